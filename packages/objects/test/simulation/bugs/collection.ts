import { AREAS } from '@securestore/core-format';
import { isAbout } from '../plan.ts';
import type { PlantedBug } from '../planted-bugs.ts';

/** What keeps the collector from what is in use. */
export const COLLECTION_BUGS: readonly PlantedBug[] = [
  {
    name: 'a payload is not claimed',
    scenario: 'a version is restored while it is collected',
    file: 'objects/src/record/blob-lease.ts',
    edits: [["if (!(await claimMarker(this.#engine, token, reference.blobId, signal))) return 'collected';", '']],
  },
  {
    name: 'nobody looks whether all parts are there after a claim',
    scenario: 'a writer sleeps before its record',
    file: 'objects/src/record/blob-lease.ts',
    edits: [["if (!(await isComplete(this.#engine, this.#blob, signal))) return 'incomplete';", '']],
  },
  {
    name: 'what was written counts as known from when the answer came',
    scenario: 'a writer sleeps until its record is collected',
    file: 'objects/src/object/commit/commit.ts',
    edits: [['etag: written.etag }, sent)', 'etag: written.etag }, instant(engine.clock))']],
  },
  {
    name: 'a payload counts as young for ever',
    plan: (plan) => isAbout(plan, AREAS.blobs),
    part: 'collector',
    file: 'objects/src/record/blob-lease.ts',
    edits: [['elapsedSince(this.#since, clock) < gracePeriod / 2', 'true']],
  },
  {
    name: 'a collector does not look for records after its marker',
    scenario: 'a collector sleeps before its marker',
    file: 'objects/src/record/sweep-blobs.ts',
    edits: [
      ['const garbage = await unnamed(engine, token, marks.keys(), signal);', 'const garbage = new Set(marks.keys());'],
    ],
  },
  {
    name: 'a collector does not look whether its marker stands',
    scenario: 'a marker is taken over',
    file: 'objects/src/record/sweep-blobs.ts',
    edits: [['if (!(await stands(engine, mark, signal))) continue;', '']],
  },
  {
    name: 'a collector does not look into the history',
    part: 'collector',
    file: 'objects/src/record/blob-liveness.ts',
    edits: [['if (left.size === 0) return left;', 'if (left.size > 0) return left;']],
  },
  {
    name: 'parts are collected while they are young',
    part: 'collector',
    file: 'objects/src/maintenance/gc/collect-blobs.ts',
    edits: [['old &&= isOld(engine, entry.modified, now);', '']],
  },
  {
    name: 'claims lapse at once',
    scenario: 'a version is restored while it is collected',
    file: 'objects/src/record/blob-markers.ts',
    edits: [
      ["if (found?.state === 'claimed' && !isOld(engine, found.modified, found.now ?? now)) return undefined;", ''],
    ],
  },
  {
    name: 'a collector gives nothing back',
    scenario: 'a collector sleeps before its marker',
    file: 'objects/src/record/sweep-blobs.ts',
    edits: [['await release(engine, mark, signal);', '']],
  },
  {
    name: 'versions are collected while they are young',
    part: 'collector',
    file: 'objects/src/maintenance/gc/retention.ts',
    edits: [
      ["if (!isOld(modified) || version > forgettable(rules)) return keep('young');", ''],
      ["if (modified >= unreadSince) return keep('unread');", ''],
      ['const isSettled = isOld(landed);', 'const isSettled = true;'],
      ["if (now - replaced < keptFor(rules)) return keep('recent');", ''],
    ],
  },
  {
    name: 'a deletion is forgotten whatever took its place',
    scenario: 'a deleted object is stored again while it is forgotten',
    file: 'objects/src/maintenance/gc/collect-object.ts',
    edits: [['{ ifMatch: etag, signal }', '{ signal }']],
  },
  {
    name: 'numbers of versions that are forgotten are given again',
    scenario: 'a purged object is stored again by a clock that is wrong',
    file: 'objects/src/maintenance/gc/collect-object.ts',
    edits: [['  await floor.cover(version, signal);\n  try', '  try']],
  },
  {
    name: 'what consumers have not read is collected',
    scenario: 'changes are collected that a consumer has not read',
    file: 'objects/src/maintenance/gc/retention.ts',
    edits: [
      ["if (modified >= unreadSince) return keep('unread');", ''],
      ['modified < rules.unreadSince', 'true'],
    ],
  },
  {
    name: 'a payload is not confirmed when its record is sent',
    scenario: 'a writer sleeps before its record',
    file: 'objects/src/object/commit/mutation.ts',
    edits: [['if (isStillValid?.() === false) throw new WriteConflict();', '']],
  },
  {
    name: 'a collector asks what consumers have read before it knows the time',
    scenario: 'a collector sleeps while it asks what consumers have read',
    file: 'objects/src/maintenance/gc/collect.ts',
    edits: [
      [
        'const now = (await backendNow(engine, signal))',
        'const read = await options.unreadSince?.();\n  const now = (await backendNow(engine, signal))',
      ],
      ['(await options.unreadSince?.()) ??', 'read ??'],
    ],
  },
];
