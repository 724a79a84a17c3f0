import { parseStoreKey } from '@securestore/core-format';
import type { RetrievedStream, SecureStorage } from '@securestore/objects';
import { changesNothing } from '../rules/actions.ts';
import type { ObjectAction, StoreAction } from '../rules/actions.ts';
import type { Guard, StoreAdministration } from '../administration/administration.ts';
import type { ApprovalRequest, StoredRequest } from '../approval/approval-requests.ts';
import type { ApprovalPlan } from '../approval/approval-plan.ts';
import { shownPlan } from '../approval/approval-plan.ts';
import type { CallPlan, ReadPlan } from '../administration/call-plan.ts';
import { aboutOf } from '../administration/call-arguments.ts';
import { planCall, planRead } from '../administration/call-plan.ts';
import type { Checks, Planner, SessionCall } from './checks.ts';
import type { Caller } from '../rules/for-callers.ts';
import { isListing } from '../rules/for-callers.ts';
import { foldPrincipalName } from '../rules/identity.ts';
import { planObject } from '../approval/object-plan.ts';
import { unapproved } from '../rules/refusals.ts';
import { guardedStream } from './guarded-data.ts';
import { mayKnow, withListedNames, withoutNaming, withoutUnlistedName } from './without-names.ts';

/** Whether an object may be in a listing. What takes an approval can't be, since a listing asks for none. */
export function isShown(checks: Checks, key: string, action: ObjectAction = 'list'): boolean {
  const { allowed, needsApproval } = checks.may(action, key);
  return allowed && !needsApproval;
}

/** As whom a session calls, and what it may know of. */
export function callerOf(checks: Checks): Caller {
  return {
    principal: checks.principal,
    sees: (key) => isShown(checks, key) && isShown(checks, key, 'history'),
  };
}

function isFree(checks: Checks, action: StoreAction): boolean {
  checks.open();
  const { allowed, needsApproval } = checks.may(action);
  return allowed && !needsApproval;
}

/** Data of which no more is given once they may not be read any more. */
function guardedResult<T>(result: T, call: SessionCall, checks: Checks, still: () => void): T {
  const found = result as RetrievedStream;
  // What stands behind a session need not be a store of ours.
  if (!(found.stream instanceof ReadableStream)) return result;
  const stream = guardedStream(found.stream, async () => {
    await checks.ready(call);
    still();
  });
  return { ...found, stream } as T;
}

/** Data that nobody is given: what they come from is held for as long as they are read. */
async function givenUp(result: unknown): Promise<void> {
  const { stream } = Object(result) as Partial<RetrievedStream>;
  if (stream instanceof ReadableStream) await stream.cancel().catch(() => undefined);
}

function versionOf(result: unknown): string | undefined {
  const { info } = Object(result) as Partial<RetrievedStream>;
  return info?.version;
}

/** Calls whose reports name objects. */
const REPORTS: ReadonlySet<SessionCall> = new Set(['backup', 'backups.drill', 'backups.verify', 'restore']);

function withoutUndefined(plan: {
  readonly [Name in keyof ApprovalPlan]: ApprovalPlan[Name] | undefined;
}): ApprovalPlan {
  return Object.fromEntries(Object.entries(plan).filter(([, value]) => value !== undefined)) as unknown as ApprovalPlan;
}

/** A request as a session may see it: of what it would do the names alone that may be seen. */
export function shownRequest(checks: Checks, request: ApprovalRequest): ApprovalRequest {
  const { plan, ...rest } = request as StoredRequest;
  if (plan === undefined) return request;
  const sees = (key: string): boolean => isShown(checks, key) || isShown(checks, key, 'read');
  const { key } = request;
  const seesBelow = (prefix: string): boolean => mayKnow(prefix, sees);
  if (key === undefined)
    return { ...rest, plan: shownPlan(plan, { sees, seesBelow, seesPolicy: isFree(checks, 'access.view') }) };
  if (sees(key)) return request;
  // Whoever decides is to know what becomes of the object, and whoever asks not even whether it is there.
  const { call, creates, replaces, deletes, objects } = plan;
  const isOwn = foldPrincipalName(request.principal) === foldPrincipalName(checks.principal);
  return { ...rest, plan: isOwn ? { call } : withoutUndefined({ call, creates, replaces, deletes, objects }) };
}

/**
 * Decides about calls of the administration for a session.
 *
 * @param administration what is behind it, by which is found out what a call would do
 */
export function sessionGuard(
  checks: Checks,
  storage: SecureStorage,
  administration: Partial<StoreAdministration> | undefined,
): Guard {
  return async ({ call, action, also, about, signal, given, run }) => {
    await checks.ready(call, signal);
    const key = about === undefined ? undefined : parseStoreKey(about.key);
    const own = [action, ...also()];
    // What is about an object is told by that alone, unless it fails before, or takes an approval.
    const isPlain = about !== undefined && own.every((one) => isFree(checks, one));
    const shown = (name: string): boolean => isShown(checks, name);
    const unnamed = (error: unknown): never => {
      // Objects that were deleted are in the way of other categories, too.
      throw withoutUnlistedName(call, error, call === 'restore' ? shown : callerOf(checks).sees);
    };
    const seal = (text: string): string => checks.seal(text);
    let planned: CallPlan | undefined;
    const plan: Planner = async (one, end) => {
      // Of what only looks another thing is asked than of what changes something.
      if (changesNothing(one))
        return planCall(administration, { call, action: one as StoreAction, given, seal }).then((found) => ({
          plan: found.plan,
        }));
      planned ??= await planCall(administration, { call, action: one as StoreAction, given, seal, signal: end }).catch(
        unnamed,
      );
      return { plan: planned.plan, isFree: planned.isFree(one as StoreAction) };
    };
    let approved: ReadPlan | undefined;
    const look: Planner = async (one, end) => {
      if (one !== 'read' && key !== undefined)
        return planObject(one as ObjectAction, key, {}, { storage, signal: end });
      approved = await planRead(administration, key ?? '', { call, about: aboutOf(call, given), seal, signal: end });
      return { plan: approved.plan };
    };
    if (!isPlain) await checks.begin(call, undefined, own, signal, plan);
    if (about !== undefined) await checks.begin(call, key, about.actions, signal, look);
    // What a call tells it takes the right to look for, also where that is not its own action.
    const looking = own.filter(changesNothing);
    const still = (): void => {
      checks.still(call, undefined, looking);
      if (about !== undefined) checks.still(call, key, about.actions);
    };
    const bound = planned === undefined ? undefined : planned.bind(given);
    const end = isListing(call) ? checks.beginListing() : undefined;
    const result = await Promise.resolve(run(bound)).catch(unnamed).finally(end);
    // What only looks is as reading: what was taken away meanwhile is not told.
    try {
      if (looking.length > 0) still();
      if (approved !== undefined && approved.version !== versionOf(result)) throw unapproved(call, ['read'], key, true);
    } catch (error) {
      await givenUp(result);
      throw error;
    }
    if (call === 'recoveryPoints.retrieveStream') return guardedResult(result, call, checks, still);
    if (call === 'access.requests')
      return Array.from(result as readonly ApprovalRequest[]).map((request) =>
        shownRequest(checks, request),
      ) as typeof result;
    if (call === 'recoveryPoints.receipts') return withoutNaming(result, shown, () => isFree(checks, 'verify'));
    return REPORTS.has(call) ? withListedNames(result, shown) : result;
  };
}
