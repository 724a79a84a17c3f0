import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions } from '@securestore/objects';
import { inTime, withOneEnd } from '@securestore/objects';
import type { Action } from './actions.ts';
import { checkQuestion } from './actions.ts';
import type { ApprovalDesk } from './approval-desk.ts';
import type { ApprovalRequest, ApproveOptions, Verdict } from './approval-requests.ts';
import type { Checks, SessionCall } from './checks.ts';
import type { Decision } from './decide.ts';
import { foldIdentity } from './identity.ts';
import { denied } from './refusals.ts';

export interface RequestOptions extends CallOptions {
  /** Why, for whoever decides; at most 500 characters. */
  readonly reason?: string | undefined;
  /** Until when it waits; by default for a day, at least for ten minutes, and at most for 30 days. */
  readonly expires?: Date | undefined;
}

/** What takes a second person, as one principal asks for it and decides about what others ask for. */
export interface SessionApprovals {
  /**
   * Asks for the approval of one attempt. It is used up by the first attempt of this principal at that action on that key.
   *
   * @param key absent for what concerns the whole store
   * @throws SecureStoreError `ACCESS_DENIED` for what the rules don't allow; `INVALID_ARGUMENT`, also for what takes no approval;
   *   `TOO_LARGE` where 20 requests of this principal, or 1000 of all, are not over
   */
  request(action: Action, key?: string, options?: RequestOptions): Promise<ApprovalRequest>;
  /** The requests of this principal that are not used or over, and those that it may decide about. */
  list(options?: CallOptions): Promise<ApprovalRequest[]>;
  /**
   * Lets the one who asked do it once, if the rules still allow it to them then. It takes `approve` on the key, or for what
   * concerns the store on the whole store.
   *
   * @throws SecureStoreError `ACCESS_DENIED`, also for one's own requests; `NOT_FOUND`; `CONFLICT` where it has been decided
   */
  approve(id: string, options?: ApproveOptions): Promise<ApprovalRequest>;
  /** Refuses it, or takes back an approval that is not used yet. @throws as {@link approve} */
  deny(id: string, options?: CallOptions): Promise<ApprovalRequest>;
}

function ownRequest(id: string): SecureStoreError {
  return new SecureStoreError('ACCESS_DENIED', `request ${id} is your own: somebody else has to decide about it`);
}

/** @param desk where requests lie; where there is none, everything fails with `UNSUPPORTED` */
export function sessionApprovals(checks: Checks, desk: ApprovalDesk | undefined): SessionApprovals {
  const open = async (call: SessionCall, signal: AbortSignal | undefined): Promise<ApprovalDesk> => {
    await checks.confirmOpen(call, signal);
    if (desk !== undefined) return desk;
    throw new SecureStoreError('UNSUPPORTED', 'what is behind this session keeps no requests for approval');
  };
  const decisionOn = ({ key, principal }: ApprovalRequest): Decision => {
    const decision = checks.may('approve', key);
    const own = foldIdentity(principal) === foldIdentity(checks.principal);
    return own ? { ...decision, allowed: false, reason: 'own request' } : decision;
  };
  const decide = async (
    call: 'approvals.approve' | 'approvals.deny',
    id: string,
    verdict: Verdict,
    given: CallOptions,
  ): Promise<ApprovalRequest> => {
    const options = withOneEnd(given);
    const opened = await open(call, options?.signal);
    let last: { readonly key: string | undefined; readonly decision: Decision } | undefined;
    const check = (request: ApprovalRequest): void => {
      checks.open();
      const decision = decisionOn(request);
      last = { key: request.key, decision };
      if (!decision.allowed)
        throw decision.reason === 'own request' ? ownRequest(id) : denied(call, 'approve', request.key);
    };
    try {
      return await opened.decide(id, { ...verdict, by: checks.principal }, check, options);
    } finally {
      if (last !== undefined) checks.tell(call, last.key, last.decision);
    }
  };
  return {
    async request(action, key, { reason, expires, ...given } = {}) {
      const options = withOneEnd(given);
      const opened = await open('approvals.request', options?.signal);
      checkQuestion(action, key);
      const decision = checks.may(action, key);
      checks.tell('approvals.request', key, decision);
      if (!decision.allowed) throw denied('approvals.request', action, key);
      if (!decision.needsApproval)
        throw new SecureStoreError('INVALID_ARGUMENT', `${action} takes no approval here: just do it`);
      return opened.add({ principal: checks.principal, action, key, reason, expires }, options);
    },
    list: (options) =>
      inTime('approvals.list', options, async (signal) => {
        const requests = await (await open('approvals.list', signal)).list(signal);
        return requests.filter((request) => request.principal === checks.principal || decisionOn(request).allowed);
      }),
    approve: (id, { expires, ...options } = {}) =>
      decide('approvals.approve', id, { state: 'approved', expires }, options),
    deny: (id, options = {}) => decide('approvals.deny', id, { state: 'denied' }, options),
  };
}
