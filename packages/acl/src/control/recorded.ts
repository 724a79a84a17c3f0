import { SecureStoreError } from '@securestore/core-format';
import type { SecureStorage } from '@securestore/objects';
import { changesNothing } from '../rules/actions.ts';
import type { StoreAdministration } from '../administration/administration.ts';
import { guardAdministration } from '../administration/guard-administration.ts';
import type { ApprovalRequest } from '../approval/approval-requests.ts';
import type { Method, RecordingContext } from './recorded-calls.ts';
import { categoryIn, recordedCalls, recordedListing, requestIdIn } from './recorded-calls.ts';
import type { SessionApprovals } from '../guard/session-approvals-types.ts';
import type { Session } from '../session/session.ts';

/** What may be there beside the calls about data. */
type Whole = SecureStorage &
  Partial<StoreAdministration> & { readonly approvals?: SessionApprovals; readonly check?: Session['check'] };

/** What decides about requests for approval, as somebody or as whoever has the store. */
const DECISIONS = ['approve', 'deny'] as const;

/** `target` with other members in the place of some of its own. */
function overlaid<T extends object>(target: T, members: Map<PropertyKey, unknown>): T {
  const known = new Map(members);
  return new Proxy(target, {
    get(_, property) {
      if (known.has(property)) return known.get(property);
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      // Not a bound one, which the engine does not take for `await using`.
      const method = (...args: readonly unknown[]): unknown => Reflect.apply(value, target, args);
      known.set(property, method);
      return method;
    },
  });
}

/** What a call was given as a text; of anything else nothing is asked. */
function textIn(value: unknown): string {
  return typeof value === 'string' ? value : `[${typeof value}]`;
}

function recordedDecision(context: RecordingContext, action: string, original: Method): Method {
  const { recorder, principal } = context;
  return (id, ...more) => {
    const requestId = requestIdIn(context);
    // Whom and what it is about shows only when it has succeeded.
    const object = undefined as string | undefined;
    const attempt = { action, principal, requestId, object, reason: `request ${textIn(id)}` };
    return recorder.attempt(attempt, async () => {
      const request = (await original(id, ...more)) as ApprovalRequest;
      attempt.object = request.key;
      attempt.reason += `: ${request.action} by ${request.principal}`;
      return request;
    });
  };
}

function recordedRequest(context: RecordingContext, original: Method): Method {
  const { recorder, principal } = context;
  return (action, key, ...more) => {
    const requestId = requestIdIn(context);
    const object = typeof key === 'string' ? key : undefined;
    const attempt = { action: 'approvals.request', principal, requestId, object, reason: `for ${textIn(action)}` };
    return recorder.attempt(attempt, async () => original(action, key, ...more));
  };
}

function methodOf<T extends object>(target: T, name: keyof T): Method {
  return (...args) => Reflect.apply(target[name] as Method, target, args);
}

function methodsOf<T extends object>(target: T, names: readonly (keyof T & string)[]): [string, Method][] {
  return names.map((name) => [name, methodOf(target, name)]);
}

function recordedApprovals(approvals: SessionApprovals, context: RecordingContext): SessionApprovals {
  const request = methodOf(approvals, 'request');
  const decisions = methodsOf(approvals, DECISIONS).map(
    ([name, method]) => [name, recordedDecision(context, `approvals.${name}`, method)] as const,
  );
  return overlaid(
    approvals,
    new Map<PropertyKey, unknown>([['request', recordedRequest(context, request)], ...decisions]),
  );
}

/** Of a session that is not good any more: there is no call that would tell it. */
function recordedCheck(context: RecordingContext, original: Method): Method {
  const { recorder, principal } = context;
  return async (...args) => {
    try {
      return await original(...args);
    } catch (error) {
      const isRefusal = SecureStoreError.is(error, 'ACCESS_DENIED') || SecureStoreError.is(error, 'UNAUTHENTICATED');
      if (!isRefusal) throw error;
      const attempt = { action: 'session', principal, requestId: requestIdIn(context), readOnly: true };
      return recorder.attempt(attempt, async () => Promise.reject(error));
    }
  };
}

/** What whoever has the store decides about requests for approval is no call of a session. */
function ownersDecisions(access: object, context: RecordingContext): [string, Method][] {
  const methods = access as Readonly<Record<string, Method>>;
  const names = DECISIONS.filter((name) => typeof methods[name] === 'function');
  return methodsOf(methods, names).map(([name, method]) => [name, recordedDecision(context, `access.${name}`, method)]);
}

/** Reading the log step by step: for whoever has the store, and so no call of a session. */
function ownersReadings(audit: object, context: RecordingContext): [string, Method][] {
  const methods = audit as Readonly<Record<string, Method>>;
  const { principal } = context;
  const names = ['tail', 'lines'].filter((name) => typeof methods[name] === 'function');
  return methodsOf(methods, names).map(([name, method]) => [
    name,
    (...args) => {
      const requestId = requestIdIn(context);
      const attempt = { action: `audit.${name}`, principal, requestId, readOnly: true, evenUnrecorded: true };
      return recordedListing(context, attempt, method(...args) as AsyncIterable<unknown>);
    },
  ]);
}

/** The administration, recorded by the names of its calls; what was done with keys then the events of keys tell. */
function recordedAdministration(
  target: Whole,
  guarded: StoreAdministration,
  context: RecordingContext,
): [PropertyKey, unknown][] {
  return Object.entries(guarded).flatMap(([name, value]: [string, unknown]): [PropertyKey, unknown][] => {
    const original: unknown = target[name as keyof StoreAdministration];
    if (typeof value === 'function') return [[name, value]];
    // A store that has no such administration stays without it.
    if (typeof original !== 'object' || original === null) return [];
    const decisions = name === 'access' ? ownersDecisions(original, context) : [];
    const readings = name === 'audit' ? ownersReadings(original, context) : [];
    const members = new Map<PropertyKey, unknown>([...Object.entries(value as object), ...decisions, ...readings]);
    return [[name, overlaid(original, members)]];
  });
}

/**
 * A store, or a session on one, of which every call is recorded: once each, also those that are denied or fail, and of calls about
 * many objects one for each. The calls of `target` itself are not.
 */
export function recorded<T extends SecureStorage>(target: T, context: RecordingContext): T {
  // What it lacks of the administration is looked for when it is called.
  const whole = target as unknown as Whole;
  const { approvals } = whole;
  const { recorder, principal } = context;
  const guarded = guardAdministration(whole, ({ call, action, also, about, prefix, run }) => {
    const readOnly = changesNothing(action) && also().length === 0;
    // Whoever looks why nothing can be recorded is to be told.
    const evenUnrecorded = action === 'audit.view' || action === 'health';
    const beforeRecorded = action === 'health';
    const requestId = requestIdIn(context);
    const key = typeof about?.key === 'string' ? about.key : undefined;
    const object = key ?? prefix;
    const category = key === undefined ? undefined : categoryIn(context, key);
    const attempt = { action: call, principal, object, category, requestId, readOnly, evenUnrecorded, beforeRecorded };
    return recorder.attempt(attempt, async () => run());
  });
  const members = new Map<PropertyKey, unknown>([
    ...recordedAdministration(whole, guarded, context),
    ...recordedCalls(whole, context),
  ]);
  if (typeof whole.check === 'function') members.set('check', recordedCheck(context, methodOf(whole, 'check')));
  if (approvals !== undefined) members.set('approvals', recordedApprovals(approvals, context));
  return overlaid(target, members);
}
