import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, SecureStorage } from '@securestore/objects';
import { inTime, withOneEnd } from '@securestore/objects/internal';
import type { Action, StoreAction } from '../rules/actions.ts';
import { checkQuestion, isObjectAction } from '../rules/actions.ts';
import type { RequestOptions, SessionApprovals } from '../guard/session-approvals-types.ts';
import type { ApprovalDesk } from '../document/approval-desk.ts';
import type { StoreAdministration } from '../administration/administration.ts';
import { ADMINISTRATION } from '../administration/administration.ts';
import type { StoredPlan } from '../approval/approval-plan.ts';
import type { ApprovalRequest, Verdict } from '../approval/approval-requests.ts';
import { checkReason } from '../approval/approval-requests.ts';
import { operationFor, planCall, planRead } from '../administration/call-plan.ts';
import type { PlannedOperation } from '../administration/call-plan.ts';
import type { Checks, SessionCall } from '../guard/checks.ts';
import type { Decision } from '../policy/decide.ts';
import { foldPrincipalName } from '../rules/identity.ts';
import { ABOUT_OBJECTS } from '../rules/for-callers.ts';
import { FURTHER_ACTIONS } from '../administration/further-actions.ts';
import { planObject } from '../approval/object-plan.ts';
import { denied } from '../rules/refusals.ts';
import { isShown, shownRequest } from '../guard/session-guard.ts';
import { withoutUnlistedName } from '../guard/without-names.ts';

function ownRequest(id: string): SecureStoreError {
  return new SecureStoreError(
    'ACCESS_DENIED',
    `request ${id} is the caller's own, and takes the decision of another principal`,
  );
}

/** The storage and administration of a session, from which plans of its attempts are worked out. */
export interface PlanContext {
  readonly storage: SecureStorage;
  readonly administration?: Partial<StoreAdministration> | undefined;
}

function refuse(what: string, option?: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', what, { option });
}

/** The error for a request for an approval that is not needed: its list of missing approvals is empty. */
function needless(message: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', message, { approvals: [] });
}

/** @throws SecureStoreError `INVALID_ARGUMENT` if the action is not one that the call takes, or there is no such call */
function checkOperation(operation: PlannedOperation, action: Action): void {
  const { call, about = {} } = Object(operation) as PlannedOperation;
  if (typeof call !== 'string' || !Object.hasOwn(ADMINISTRATION, call))
    return refuse('the option "operation" must name a call, as { call, about }', 'operation');
  if (typeof about !== 'object' || about === null)
    refuse('the member "about" of the option "operation" must be an object', 'operation');
  const isOwn = ADMINISTRATION[call] === action || (ABOUT_OBJECTS[call] ?? []).some((one) => one === action);
  if (!isOwn && !Object.hasOwn(FURTHER_ACTIONS, call))
    refuse(`the call ${call} does not take the action ${action}`, 'operation');
}

/** @param desk where requests lie; where there is none, everything fails with `UNSUPPORTED` */
export function sessionApprovals(
  checks: Checks,
  desk: ApprovalDesk | undefined,
  { storage, administration }: PlanContext,
): SessionApprovals {
  const open = async (call: SessionCall, signal: AbortSignal | undefined): Promise<ApprovalDesk> => {
    await checks.confirmOpen(call, signal);
    if (desk !== undefined) return desk;
    throw new SecureStoreError('UNSUPPORTED', 'the store of this session keeps no requests for approval');
  };
  const decisionOn = ({ key, principal }: ApprovalRequest): Decision => {
    const decision = checks.may('approve', key);
    const own = foldPrincipalName(principal) === foldPrincipalName(checks.principal);
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
      return shownRequest(checks, await opened.decide(id, { ...verdict, by: checks.principal }, check, options));
    } finally {
      if (last !== undefined) checks.tell(call, last.key, last.decision);
    }
  };
  const seal = (text: string): string => checks.seal(text);
  const planFor = async (
    action: Action,
    key: string | undefined,
    { version, at, operation }: RequestOptions,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly plan: StoredPlan; readonly isFree: boolean }> => {
    if (key !== undefined && isObjectAction(action)) {
      if (operation === undefined || action !== 'read') {
        const { plan, isNothing } = await planObject(action, key, { version, at }, { storage, signal });
        return { plan, isFree: isNothing && isShown(checks, key) };
      }
      checkOperation(operation, action);
      if (!checks.may('backup.view').allowed) throw denied('approvals.request', 'backup.view', undefined);
      const { plan } = await planRead(administration, key, { ...operation, seal, signal });
      return { plan, isFree: false };
    }
    if (version !== undefined || at !== undefined)
      return refuse('the options "version" and "at" take the key of an object', 'version');
    const described = operation ?? operationFor(action as StoreAction);
    checkOperation(described, action);
    const { call, about = {} } = described;
    const planned = await planCall(administration, { call, action: action as StoreAction, about, seal, signal }).catch(
      (error: unknown) => {
        throw withoutUnlistedName(call, error, (name) => isShown(checks, name));
      },
    );
    return { plan: planned.plan, isFree: planned.isFree(action as StoreAction) };
  };
  return {
    async request(action, key, { reason, expires, version, at, operation, ...given } = {}) {
      const options = withOneEnd(given);
      const opened = await open('approvals.request', options?.signal);
      checkQuestion(action, key);
      const decision = checks.may(action, key);
      checks.tell('approvals.request', key, decision);
      if (!decision.allowed) throw denied('approvals.request', action, key);
      if (!decision.needsApproval) throw needless(`the action ${action} takes no approval`);
      checkReason(reason);
      const { plan, isFree } = await planFor(action, key, { version, at, operation }, options?.signal);
      if (isFree) throw needless(`the call replaces and deletes nothing, and takes no approval of ${action}`);
      const made = await opened.add({ principal: checks.principal, action, key, plan, reason, expires }, options);
      return shownRequest(checks, made);
    },
    list: (options) =>
      inTime('approvals.list', options, async (signal) => {
        const requests = await (await open('approvals.list', signal)).list(signal);
        return requests
          .filter((request) => request.principal === checks.principal || decisionOn(request).allowed)
          .map((request) => shownRequest(checks, request));
      }),
    approve: (id, { expires, ...options } = {}) =>
      decide('approvals.approve', id, { state: 'approved', expires }, options),
    deny: (id, options = {}) => decide('approvals.deny', id, { state: 'denied' }, options),
  };
}
