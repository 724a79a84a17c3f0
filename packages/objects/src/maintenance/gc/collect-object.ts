import type { ListEntry } from '@securestore/backend-api';
import type { RecordHeader } from '@securestore/core-format';
import { historyPrefix, objectName, parseStoreKey, SecureStoreError, splitRecord } from '@securestore/core-format';
import { commit } from '../../object/commit/commit.ts';
import { versionIn } from '../../object/find-version.ts';
import type { CollectionPass } from './pass.ts';
import { isForgettable, prunable } from './retention.ts';
import type { OpenedRecord } from '../../record/open-record.ts';
import { openLoose, originOf } from '../../record/open-record.ts';
import { openOfToken } from '../../record/stable-read.ts';
import { entriesUnder } from '../../util/listing.ts';
import { deleteEntries } from '../../record/sweep-blobs.ts';
import type { TokenEntry } from './merge-listings.ts';

/** What is stored at the name of an object now. */
export interface CurrentRecord {
  readonly header: RecordHeader;
  /** `undefined` if its key has been destroyed. */
  readonly opened: OpenedRecord | undefined;
  readonly etag: string;
  readonly modified: number;
  readonly size: number;
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws */
export async function currentRecord(
  { engine, signal }: CollectionPass,
  token: string,
): Promise<CurrentRecord | undefined> {
  const found = await engine.backend.read(objectName(token), { signal });
  if (found === undefined) return undefined;
  const { body, modified, size } = found;
  const common = { etag: found.etag ?? '', modified, size };
  try {
    const opened = await openOfToken(engine, openLoose, token, body, signal);
    return { header: opened.header, opened, ...common };
  } catch (error) {
    if (!SecureStoreError.is(error, 'KEY_DESTROYED')) throw error;
    return { header: splitRecord(body).header, opened: undefined, ...common };
  }
}

/** Deletes an object that has been expired for longer than the grace period, as its owner would. */
export async function deleteExpired(
  { engine, now, plan, report, signal }: CollectionPass,
  record: CurrentRecord,
): Promise<void> {
  const { opened } = record;
  if (opened?.kind !== 'object') return;
  const { expires, name } = opened.body;
  // By both clocks: for this process the object has to be gone already.
  if (expires === 0 || expires + engine.gracePeriod > Math.min(now, engine.clock.now())) return;
  if (plan !== undefined) {
    report.expired += 1;
    return;
  }
  const key = parseStoreKey(name);
  const committed = await commit(engine, {
    target: { key, ...engine.names.locate(key) },
    condition: { type: 'none' },
    readFirst: true,
    signal,
    draft(current, time) {
      const { commitId } = opened.header;
      // Whoever stored something new meanwhile has not expired.
      if (current?.opened === undefined || Buffer.compare(current.opened.header.commitId, commitId) !== 0)
        return undefined;
      return { kind: 'tombstone', modified: time };
    },
  });
  if (committed !== undefined) report.expired += 1;
}

/** @returns whether it was removed: another writer may have replaced it */
async function removeTombstone(
  { engine, floor, signal }: CollectionPass,
  token: string,
  version: number,
  etag: string,
): Promise<boolean> {
  await floor.cover(version, signal);
  try {
    await engine.backend.delete(objectName(token), { ifMatch: etag, signal });
    return true;
  } catch (error) {
    if (SecureStoreError.is(error, 'CONFLICT')) return false;
    throw error;
  } finally {
    engine.cache.delete(token);
  }
}

/** Forgets a deleted object of which nothing else is left. */
export async function forgetTombstone(pass: CollectionPass, token: string, record: CurrentRecord): Promise<void> {
  const { engine, report, rules } = pass;
  const { opened, etag, modified, size } = record;
  if (opened?.kind !== 'tombstone' || !isForgettable(rules, opened.header, modified)) return;
  // Without a condition it could be another writer's new object that is deleted.
  if (!engine.backend.capabilities.conditionalDelete) return;
  if ((await hasHistory(pass, token)) || !(await pass.mayForget(token, opened.header))) return;
  if (pass.plan === undefined && !(await removeTombstone(pass, token, opened.header.version, etag))) return;
  report.tombstones += 1;
  report.bytes += size;
}

/** Removes the past versions of an object that are not kept. @param current of the object now */
export async function pruneHistory(
  { engine, floor, plan, report, rules, signal }: CollectionPass,
  token: string,
  current: CurrentRecord | undefined,
  entries: AsyncIterable<TokenEntry>,
): Promise<void> {
  const prefix = historyPrefix(token);
  const goes = prunable(rules, current, originOf(current?.opened), (reason) => {
    report.kept[reason] += 1;
  });
  async function* beyond(): AsyncGenerator<ListEntry> {
    for await (const { entry } of entries) {
      const version = versionIn(prefix, entry.key);
      if (!goes(version, entry.modified)) continue;
      if (plan === undefined) await floor.cover(version, signal);
      yield entry;
    }
  }
  if (plan !== undefined) {
    for await (const { key, size } of beyond()) {
      plan.addVersion(key);
      report.versions += 1;
      report.bytes += size;
    }
    return;
  }
  await deleteEntries(
    engine,
    beyond(),
    (count, bytes) => {
      report.versions += count;
      report.bytes += bytes;
    },
    signal,
  );
}

/** Whether anything is left of the past of an object. */
async function hasHistory({ engine, plan, signal }: CollectionPass, token: string): Promise<boolean> {
  if (plan === undefined) {
    const page = await engine.backend.list(historyPrefix(token), { limit: 1, signal });
    return page.entries.length > 0;
  }
  for await (const { key } of entriesUnder(engine.backend, historyPrefix(token), { signal })) {
    if (!plan.hasVersion(key)) return true;
  }
  return false;
}
