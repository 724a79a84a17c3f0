import { MAX_CLOCK_DIFFERENCE } from '@securestore/backend-api';
import type { RecordHeader } from '@securestore/core-format';
import {
  asBuffer,
  historyPrefix,
  historyVersion,
  ID_LENGTH,
  isZero,
  noId,
  SecureStoreError,
  splitRecord,
} from '@securestore/core-format';
import type { Expectation } from '../../checkpoint/baseline.ts';
import { Baseline } from '../../checkpoint/baseline.ts';
import type { Engine } from '../../engine/engine.ts';
import { pagesUnder } from '../../util/listing.ts';
import { openRecordAt } from '../find-version.ts';
import type { OpenedRecord, Predecessor, Target } from '../../record/open-record.ts';
import { originOf } from '../../record/open-record.ts';

const MICROSECONDS = 1000;

/** The header of a damaged record, which nothing authenticates; `undefined` if there is none, or it isn't about this object. */
function claimOf({ monitor }: Engine, target: Target, bytes: Uint8Array | undefined): RecordHeader | undefined {
  if (bytes === undefined) return undefined;
  try {
    const { header } = splitRecord(bytes);
    const { lineage } = monitor.state.head;
    const isOfObject = target.nameId.equals(header.nameId) && asBuffer(lineage).equals(header.lineage);
    return isOfObject ? header : undefined;
  } catch (error) {
    if (SecureStoreError.is(error)) return undefined;
    throw error;
  }
}

/** The newest genuine version in the history; `'unreadable'` if it has versions, none of which opens. */
async function newestPast(
  engine: Engine,
  target: Target,
  signal: AbortSignal | undefined,
): Promise<OpenedRecord | 'unreadable' | undefined> {
  const prefix = historyPrefix(target.token);
  let isEmpty = true;
  for await (const names of pagesUnder(engine.backend, prefix, signal)) {
    for (const name of names) {
      isEmpty = false;
      const version = historyVersion(prefix, name);
      if (version === undefined) continue;
      try {
        const opened = await openRecordAt(engine, target, name, signal);
        // The name of a record is no more genuine than its contents.
        if (opened?.header.version === version) return opened;
      } catch (error) {
        if (!SecureStoreError.is(error) || !UNREADABLE.has(error.code)) throw error;
      }
    }
  }
  return isEmpty ? undefined : 'unreadable';
}

const UNREADABLE: ReadonlySet<string> = new Set(['INTEGRITY', 'FORMAT_VERSION', 'KEY_DESTROYED']);

/** Whether a version of an object is older than the checkpoint, which does not know the object. */
function isUnlisted({ header }: OpenedRecord, { entry, floor }: Expectation): boolean {
  return entry === undefined && floor !== undefined && header.generation < floor;
}

/**
 * How the version that replaces a damaged or missing record follows what was there. Its number must be greater than any that was
 * acknowledged. Otherwise an attacker who kept the damaged record could put it back later, and it would pass for the newer version.
 *
 * The history continues after its newest genuine version. It starts afresh if the damaged record or the checkpoint says that the object
 * was purged or had no history, since purged versions must not come back. It also does if the checkpoint does not know the object, and
 * the history is older: the purge may have been forgotten, and the history put back.
 *
 * @param bytes the damaged record; `undefined` if it is missing
 * @throws SecureStoreError what the backend throws
 */
export async function succession(
  engine: Engine,
  target: Target,
  bytes: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<Predecessor> {
  const baseline = await Baseline.load(engine, () => undefined, signal);
  const expected = await baseline.lookUp(target.token);
  const { entry } = expected;
  const past = await newestPast(engine, target, signal);
  const pastVersion = typeof past === 'object' ? past.header.version : 0;
  const claim = claimOf(engine, target, bytes);
  // An attacker could choose its number so large that no greater one is left. Clocks of writers may not be further apart than this, so
  // no acknowledged version has a greater number, unless a genuine record says so.
  const greatest = (engine.clock.now() + 2 * MAX_CLOCK_DIFFERENCE) * MICROSECONDS;
  const claimed = claim !== undefined && claim.version <= greatest ? claim.version : 0;
  const version = Math.max(pastVersion, entry?.version ?? 0, claimed);
  const begins =
    (claim !== undefined && isZero(claim.previousCommitId)) ||
    (entry?.kind === 'purged' && entry.version > pastVersion) ||
    (typeof past === 'object' && isUnlisted(past, expected));
  if (begins || past === undefined) return { previousCommitId: noId(), version, origin: 0 };
  if (past === 'unreadable') return { previousCommitId: engine.random(ID_LENGTH), version, origin: 0 };
  return { previousCommitId: past.header.commitId, version, origin: originOf(past) };
}
