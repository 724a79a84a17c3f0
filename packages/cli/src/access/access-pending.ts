import type { RemoteStore, SecureStore } from 'securestore';
import { FOLLOWING } from './access-text.ts';
import { type PendingBackups, pendingBackups } from './pending-backups.ts';
import type { Call, ExitCode } from '../call/call.ts';
import { SOME_FAILED } from '../call/call.ts';

/** The backups that a change of access was not brought to. */
export function accessPending(
  call: Call,
  store: SecureStore | RemoteStore,
  pending: readonly string[],
): Promise<PendingBackups> {
  return pendingBackups(
    call,
    store,
    pending,
    'a store that is restored from there gives access as it was before: once they can be reached, run securestore backup with each, ' +
      'or leave a process that has the store open to it, such as securestore serve',
  );
}

/**
 * Says when a change of who may do what counts, and what it did not reach.
 *
 * @returns the exit code: no later run brings the change to the backups of another copy, which are not of this store
 */
export function sayWhereItCounts({ out }: Call, { data, lines }: PendingBackups): ExitCode {
  out.note(FOLLOWING);
  for (const line of lines) out.note(line);
  return data.pending.length === (data.otherCopies?.length ?? 0) ? 0 : SOME_FAILED;
}
