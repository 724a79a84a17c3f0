import type { RecordHeader } from '@securestore/core-format';
import { historyPrefix, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { Engine } from './engine.ts';
import { pagesUnder } from './pages.ts';
import { readCurrent } from './read-current.ts';
import type { Target } from './records.ts';

/**
 * Whether the commit whose acknowledgement was lost took place: looks for its id in the current record, in the chain,
 * and in the history. `undefined` where it did not, so far.
 */
async function findCommit(engine: Engine, target: Target, commitId: Buffer): Promise<RecordHeader | undefined> {
  const current = await readCurrent(engine, target);
  if (current === undefined) return undefined;
  if (commitId.equals(current.opened.header.commitId)) return current.opened.header;
  const prefix = historyPrefix(target.token);
  for await (const names of pagesUnder(engine.backend, prefix)) {
    for (const name of names) {
      const found = await engine.backend.read(name);
      const header = found && splitRecord(found.body).header;
      if (header !== undefined && commitId.equals(header.commitId)) return header;
    }
  }
  return undefined;
}

/** Finds out what became of a write whose outcome isn't known. @throws the error itself where that can't be found out */
export async function settle(
  engine: Engine,
  target: Target,
  commitId: Buffer,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<RecordHeader | undefined> {
  if (signal?.aborted === true) throw error;
  try {
    return await findCommit(engine, target, commitId);
  } catch {
    throw error;
  }
}

/**
 * The error of a mutation one of whose attempts had an unknown outcome. That attempt may still take effect, whatever
 * failed after it; unless another version stands at the name by now, so that its condition can't hold any more.
 */
export function undecided(error: unknown, signal: AbortSignal | undefined): unknown {
  const known = SecureStoreError.is(error);
  if (known && (error.outcome === 'unknown' || error.code === 'CONFLICT' || error.code === 'NOT_FOUND')) return error;
  const code = signal?.aborted === true ? 'ABORTED' : known ? error.code : 'INTERNAL';
  const message = known ? error.message : 'it was given up after a write of unknown outcome';
  return new SecureStoreError(code, message, { outcome: 'unknown', cause: error });
}
