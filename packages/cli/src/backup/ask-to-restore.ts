import { SecureStoreError } from '@securestore/core-format';
import type { Action, ApprovalRequest, PlannedOperation, SecureStore, SessionApprovals } from 'securestore';
import { approvalCommand, planLines, requestText, stateInWords } from '../access/approval-text.ts';
import type { Call, ExitCode } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { ownRequests } from '../access/own-requests.ts';
import { refuse } from '../errors/refuse.ts';
import type { RestoreOptions } from './restore-way.ts';
import { isRemote } from '../store/served.ts';
import { formatTime } from '../terminal/terminal-text.ts';

/** What a restore takes, on an object or on the whole store. */
export type Taken = readonly [action: Action, key?: string];

/**
 * Asks a second person for all of what a restore takes that takes one, and restores nothing.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if nothing takes an approval, or the store is not used over a server
 */
export async function askToRestore(
  call: Call<RestoreOptions>,
  operation: PlannedOperation,
  taken: readonly Taken[],
  reason: string,
): Promise<ExitCode> {
  const { cli, out } = call;
  return await withStore(call, async (store: SecureStore & { readonly approvals?: SessionApprovals }) => {
    const { approvals } = store;
    if (!isRemote(store) || approvals === undefined)
      return refuse('--ask is for remote stores: the owner of a store needs no approval');
    const known = await ownRequests(store, operation, cli.signal);
    const made: ApprovalRequest[] = [];
    for (const [action, key] of taken) {
      // A look needs no call to be named, and what was an object before is asked for by its key.
      const needsCall = key === undefined ? action !== 'backup.view' : action === 'read';
      const described = needsCall ? { operation } : {};
      const asking = approvals.request(action, key, { reason, ...described, signal: cli.signal });
      const request = await asking.catch((error: unknown) => {
        if (SecureStoreError.is(error, 'INVALID_ARGUMENT') && error.approvals?.length === 0) return undefined;
        throw error;
      });
      if (request !== undefined) made.push(request);
    }
    if (made.length === 0) refuse('the restore takes no approval', { text: 'leave out --ask' });
    for (const request of made) {
      const until = formatTime(new Date(request.expires));
      await out.result(request, () => [
        `asked for approval as ${request.id}, waiting until ${until}, ${requestText(request)}`,
        ...planLines(request.plan),
      ]);
    }
    for (const request of known) out.note(`you have asked for this before: ${stateInWords(request)}`);
    const approving = made.map(approvalCommand).join(' and ');
    out.note(`another person approves it with ${approving}; then the same command without --ask passes, once`);
    return 0;
  });
}
