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
import { Baseline } from '../../checkpoint/baseline.ts';
import type { Engine } from '../../engine/engine.ts';
import { pagesUnder } from '../../util/listing.ts';
import { openName } from '../find-version.ts';
import type { OpenedRecord, Refused, Target } from '../../record/open-record.ts';
import { originOf } from '../../record/open-record.ts';

const MICROSECONDS = 1000;

/** What the version that replaces a damaged record goes by. */
export type Succession = Pick<Refused, 'previousCommitId' | 'version' | 'origin'>;

/** What a damaged record says of itself, which nothing authenticates; `undefined` where it says nothing of this object. */
function claimOf({ watcher }: Engine, target: Target, bytes: Uint8Array): RecordHeader | undefined {
  try {
    const { header } = splitRecord(bytes);
    const { lineage } = watcher.state.head;
    const isOfObject = target.nameId.equals(header.nameId) && asBuffer(lineage).equals(header.lineage);
    return isOfObject ? header : undefined;
  } catch (error) {
    if (SecureStoreError.is(error)) return undefined;
    throw error;
  }
}

/** The newest version in the history that is genuine; `'unreadable'` where there are some, and none of them is. */
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
        const opened = await openName(engine, target, name, signal);
        // Names are no more genuine than what lies at them.
        if (opened?.header.version === version) return opened;
      } catch (error) {
        if (!SecureStoreError.is(error) || !UNREADABLE.has(error.code)) throw error;
      }
    }
  }
  return isEmpty ? undefined : 'unreadable';
}

const UNREADABLE: ReadonlySet<string> = new Set(['INTEGRITY', 'FORMAT_VERSION', 'KEY_DESTROYED']);

/**
 * How the version that replaces a damaged record follows what was there. Its number must be greater than any that was
 * acknowledged: otherwise whoever has kept that record could put it back later, and it would pass for what was stored since.
 *
 * The history goes on where its newest genuine version tells how, so what it holds stays. It begins anew where the damaged record, or
 * the checkpoint, says that the object was purged or had no history: what was purged must not come back.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function succession(
  engine: Engine,
  target: Target,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Succession> {
  const baseline = await Baseline.load(engine, () => undefined, signal);
  const { entry } = await baseline.lookUp(target.token);
  const past = await newestPast(engine, target, signal);
  const pastVersion = typeof past === 'object' ? past.header.version : 0;
  const claim = claimOf(engine, target, bytes);
  // Whoever writes to the backend could choose it to exhaust the versions. No writer's clock, nor this one, may be further from the
  // backend's than that, so what was acknowledged has no greater number unless something genuine tells so.
  const greatest = (engine.clock.now() + 2 * MAX_CLOCK_DIFFERENCE) * MICROSECONDS;
  const claimed = claim !== undefined && claim.version <= greatest ? claim.version : 0;
  const version = Math.max(pastVersion, entry?.version ?? 0, claimed);
  const begins =
    (claim !== undefined && isZero(claim.previousCommitId)) ||
    (entry?.kind === 'purged' && entry.version > pastVersion);
  if (begins || past === undefined) return { previousCommitId: noId(), version, origin: 0 };
  if (past === 'unreadable') return { previousCommitId: engine.random(ID_LENGTH), version, origin: 0 };
  return { previousCommitId: past.header.commitId, version, origin: originOf(past) };
}
