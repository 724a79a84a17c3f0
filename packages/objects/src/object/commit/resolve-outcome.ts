import type { RecordHeader } from '@securestore/core-format';
import { historyName, historyPrefix, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { Instant } from '@securestore/jobs';
import type { Engine } from '../../engine/engine.ts';
import { pinned } from '../../engine/engine.ts';
import type { Announced } from '../../engine/journal-writer.ts';
import { BackendMoved } from '../../engine/relocatable-backend.ts';
import type { Current, Target } from '../../record/open-record.ts';
import { isPurged } from '../../record/open-record.ts';
import { categoryKeys } from '../../record/record-keys.ts';
import { pagesUnder } from '../../util/listing.ts';
import { loadCurrent } from './load-current.ts';
import type { Committed, Identity, Mutation } from './mutation.ts';

/** A mutation that may have taken effect. */
type Doubtful = Pick<Identity, 'commitId' | 'now' | 'allowDamaged'>;

/** The header of the commit if it took effect; else the current record. */
export type Finding = { readonly header: RecordHeader } | { readonly header?: undefined; readonly current: Current };

/** Thrown inside the engine: a purge may have removed the commit that is looked for. */
class Purged extends Error {}

/**
 * Looks for a commit whose acknowledgement was lost, in the current record first and then in the history. In this order, a mutation on
 * the condition of the current record that is found here can't take effect beside the commit.
 */
async function findCommit(engine: Engine, target: Target, doubtful: Doubtful): Promise<Finding> {
  const { commitId, now, allowDamaged } = doubtful;
  const current = await loadCurrent(engine, target, { allowDamaged });
  if (current === undefined) return { current };
  const isCommit = (header: RecordHeader): boolean => {
    if (isPurged(header) && header.version > now * 1000) throw new Purged();
    return commitId.equals(header.commitId);
  };
  if (current.opened !== undefined && isCommit(current.opened.header)) return current.opened;
  // Its versions are not older than the mutation.
  const oldest = historyName(target.token, now * 1000);
  for await (const names of pagesUnder(engine.backend, historyPrefix(target.token))) {
    for (const name of names) {
      if (name > oldest) return { current };
      const found = await engine.backend.read(name);
      const header = found && splitRecord(found.body).header;
      if (header !== undefined && isCommit(header)) return { header };
    }
  }
  return { current };
}

/** Reads the current record. A backend that repeats requests by itself may have reported a conflict with this very commit. */
export async function lookAgain(
  engine: Engine,
  target: Target,
  { commitId, allowDamaged }: Doubtful,
  signal: AbortSignal | undefined,
): Promise<Finding> {
  const current = await loadCurrent(engine, target, { signal, allowDamaged });
  const opened = current?.opened;
  return opened !== undefined && commitId.equals(opened.header.commitId) ? opened : { current };
}

/** Finds out what became of a mutation with a write of unknown outcome. @throws the error of that write if that can't be found out */
export async function resolveOutcome(
  engine: Engine,
  target: Target,
  mutation: Doubtful,
  error: unknown,
  signal: AbortSignal | undefined,
): Promise<Finding> {
  if (signal?.aborted === true) throw error;
  try {
    return await findCommit(engine, target, mutation);
  } catch {
    throw error;
  }
}

/** Looks for a commit where the store is now, after it has moved since the mutation began. */
export async function foundThere(
  engine: Engine,
  mutation: Mutation,
  commitId: Buffer,
  begun: Instant,
): Promise<Committed | undefined> {
  const allowDamaged = mutation.condition.type === 'damaged';
  const doubtful = { commitId, now: begun.now, allowDamaged };
  const { header } = await findCommit(pinned(engine), mutation.target, doubtful).catch((error: unknown) => {
    if (SecureStoreError.is(error) || error instanceof BackendMoved) throw error;
    const message = 'the object was purged after the store had moved. The change may have been made.';
    throw new SecureStoreError('UNAVAILABLE', message, { outcome: 'unknown', cause: error });
  });
  if (header === undefined) return undefined;
  // Parts of its payload may still be in the former place alone.
  await mutation.beforeAttempt?.(true);
  return committedAs(engine, mutation, header, undefined);
}

/** A commit that was found afterwards, so that its time of landing is unknown. */
export function committedAs(
  { monitor }: Engine,
  { target }: Mutation,
  header: RecordHeader,
  announced: Announced | undefined,
): Committed {
  const { state } = monitor;
  const keys = categoryKeys(state, state.categories.idOf(target.key));
  return { state, header, keys, generation: header.generation, record: undefined, announced, late: true };
}

/** The error of a mutation that took effect and could not be acknowledged. */
export function notAcknowledged(error: unknown, signal: AbortSignal | undefined): unknown {
  // The caller may have given it up while the store was closed.
  if (!SecureStoreError.is(error)) return indeterminate(error, signal);
  return SecureStoreError.from(error, { cause: error, outcome: 'unknown' });
}

/** The error of a mutation that may still take effect, since the outcome of one of its attempts is unknown. */
export function indeterminate(error: unknown, signal: AbortSignal | undefined): unknown {
  const known = SecureStoreError.is(error);
  if (known && error.outcome === 'unknown') return error;
  // By the code alone: a conflict that could be repeated must not be, once a write is in doubt.
  const details = { outcome: 'unknown', retryable: undefined, cause: error } as const;
  if (known && signal?.aborted !== true) return SecureStoreError.from(error, details);
  const message = known ? error.message : 'the change was given up after a write of unknown outcome';
  return new SecureStoreError(signal?.aborted === true ? 'ABORTED' : 'INTERNAL', message, details);
}
