import type { RecordHeader } from '@securestore/core-format';
import { historyName, historyPrefix, SecureStoreError, splitRecord } from '@securestore/core-format';
import type { Engine } from '../../engine/engine.ts';
import { pagesUnder } from '../../util/listing.ts';
import { readCurrent } from './load-current.ts';
import type { Current, Target } from '../../record/open-record.ts';
import { isPurged } from '../../record/open-record.ts';

/** A mutation that may have taken effect. */
export interface Doubtful {
  readonly commitId: Buffer;
  /** When it began, in milliseconds since 1970. */
  readonly now: number;
  /** Whether it may have been to replace a record that is damaged. */
  readonly evenDamaged: boolean;
}

/** What became of it: it took effect, or it has not so far, and `current` lies at the name. */
export type Finding = { readonly header: RecordHeader } | { readonly header?: undefined; readonly current: Current };

/** Thrown inside: a purge may have removed what is looked for. */
class Purged extends Error {}

/**
 * Looks for a commit whose acknowledgement was lost: in the current record first, then in the history. In this order, a
 * mutation that is conditional on the current record found here can't take effect beside the one that is looked for.
 */
export async function findCommit(engine: Engine, target: Target, doubtful: Doubtful): Promise<Finding> {
  const { commitId, now, evenDamaged } = doubtful;
  const current = await readCurrent(engine, target, { evenDamaged });
  if (current === undefined) return { current };
  const isCommit = (header: RecordHeader): boolean => {
    if (isPurged(header) && header.version > now * 1000) throw new Purged();
    return commitId.equals(header.commitId);
  };
  if (current.opened !== undefined && isCommit(current.opened.header)) return current.opened;
  // No version of it is older than it.
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

/** Finds out what became of a mutation with a write of unknown outcome. @throws the error of that write where that can't be found out */
export async function settle(
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

/** The error of a mutation one of whose attempts had an unknown outcome, and may still take effect whatever failed after it. */
export function undecided(error: unknown, signal: AbortSignal | undefined): unknown {
  const known = SecureStoreError.is(error);
  if (known && error.outcome === 'unknown') return error;
  const code = signal?.aborted === true ? 'ABORTED' : known ? error.code : 'INTERNAL';
  const message = known ? error.message : 'it was given up after a write of unknown outcome';
  return new SecureStoreError(code, message, { outcome: 'unknown', cause: error });
}
