import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions } from '@securestore/objects';
import type { Action } from '../rules/actions.ts';
import type { ApprovalPlan, StoredPlan } from './approval-plan.ts';
import { isSameOperation } from './approval-plan.ts';
import type { PrincipalName } from '../rules/identity.ts';
import { foldPrincipalName } from '../rules/identity.ts';

/** The most requests that a store keeps, and the most of them that one principal may have made. */
export const MAX_REQUESTS = 1000;
export const MAX_REQUESTS_EACH = 20;
/** The longest reason, in UTF-16 units. */
export const MAX_REASON = 500;

const HOUR = 60 * 60 * 1000;
/** How long by default a request waits for a decision, and an approval for its attempt, in milliseconds. */
export const WAITS_FOR: number = 24 * HOUR;
export const VALID_FOR: number = HOUR;
/** The longest that either may. */
export const MAX_WAIT: number = 30 * 24 * HOUR;
/** The shortest that a request may: each changes the head, and one that is over no longer counts towards the twenty. */
export const MIN_WAIT: number = HOUR / 6;

export const REQUEST_STATES = ['waiting', 'approved', 'denied', 'outdated'] as const;

/** A request to do once what takes the approval of a second person. */
export interface ApprovalRequest {
  /** 8 random bytes, base64url. */
  readonly id: string;
  /** Who wants to. */
  readonly principal: PrincipalName;
  readonly action: Action;
  /** The name of the object; absent for what concerns the whole store. */
  readonly key?: string;
  /** Why, in the words of the caller who asks. */
  readonly reason?: string;
  /**
   * What the attempt would do, worked out by the store when it was asked for: the approval is of this. Objects that whoever looks may not see are
   * counted. Absent in a request of an older release, which passes nothing.
   */
  readonly plan?: ApprovalPlan;
  /** In milliseconds since 1970. */
  readonly created: number;
  /** Until when it waits; of an approved one, until when the attempt passes. In milliseconds since 1970. */
  readonly expires: number;
  /** `outdated` is an approval whose attempt was refused, since it would do something else by then. It passes nothing any more. */
  readonly state: (typeof REQUEST_STATES)[number];
  /** Who has decided; absent while the request waits, and if an owner decided. */
  readonly by?: PrincipalName;
}

/** A request as it lies in the store. */
export interface StoredRequest extends ApprovalRequest {
  readonly plan?: StoredPlan;
}

/** One action of an attempt, with what the attempt would do. */
export interface Wanted {
  readonly action: Action;
  readonly plan: StoredPlan;
}

type Requests = readonly StoredRequest[];

/** @throws SecureStoreError `INVALID_ARGUMENT` */
function endOf(expires: Date | undefined, now: number, otherwise: number, shortest: number): number {
  if (expires === undefined) return now + otherwise;
  const end = expires instanceof Date ? expires.getTime() : Number.NaN;
  if (end > now && end >= now + shortest && end <= now + MAX_WAIT) return end;
  const least = shortest === 0 ? 'a time in the future' : `at least ${shortest / 60_000} minutes from now`;
  throw new SecureStoreError('INVALID_ARGUMENT', `the option "expires" must be ${least}, and at most 30 days`, {
    option: 'expires',
  });
}

export function liveRequests(requests: Requests, now: number): StoredRequest[] {
  return requests.filter(({ expires }) => expires > now);
}

export interface ApproveOptions extends CallOptions {
  /** Until when the attempt passes; by default for an hour, and at most for 30 days. */
  readonly expires?: Date | undefined;
}

export interface NewRequest extends Pick<ApprovalRequest, 'id' | 'principal' | 'action'> {
  readonly key?: string | undefined;
  readonly plan: StoredPlan;
  readonly reason?: string | undefined;
  readonly expires?: Date | undefined;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkReason(reason: unknown): void {
  if (reason !== undefined && (typeof reason !== 'string' || reason.length > MAX_REASON))
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `the option "reason" must be a text of at most ${MAX_REASON} characters`,
      {
        option: 'reason',
      },
    );
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function newRequest({ key, reason, expires, ...wanted }: NewRequest, now: number): StoredRequest {
  checkReason(reason);
  return {
    ...wanted,
    ...(key === undefined ? {} : { key }),
    ...(reason === undefined ? {} : { reason }),
    created: now,
    expires: endOf(expires, now, WAITS_FOR, MIN_WAIT),
    state: 'waiting',
  };
}

/** With one more, and without those that are over. @throws SecureStoreError `TOO_LARGE` */
export function withRequest(requests: Requests, request: StoredRequest, now: number): Requests {
  const live = liveRequests(requests, now);
  const fold = foldPrincipalName(request.principal);
  const own = live.filter(({ principal }) => foldPrincipalName(principal) === fold).length;
  if (live.length < MAX_REQUESTS && own < MAX_REQUESTS_EACH) return [...live, request];
  const [whose, most] = own < MAX_REQUESTS_EACH ? ['the store', MAX_REQUESTS] : ['the principal', MAX_REQUESTS_EACH];
  throw new SecureStoreError('TOO_LARGE', `${whose} already has ${most} requests for approval, which is the limit`);
}

/** Who decides about a request. */
export interface Verdict {
  readonly state: 'approved' | 'denied';
  /** Absent if an owner decides. */
  readonly by?: PrincipalName | undefined;
  /** Of an approval: until when the attempt passes. */
  readonly expires?: Date | undefined;
}

/**
 * The request as it was decided. An approval can be taken back until it is used; a denial can't.
 *
 * @throws SecureStoreError `CONFLICT`, `INVALID_ARGUMENT`
 */
export function decided(request: StoredRequest, { state, by, expires }: Verdict, now: number): StoredRequest {
  if (request.state === 'denied' || request.state === state)
    throw new SecureStoreError('CONFLICT', `request ${request.id} is already ${request.state}`);
  if (request.state === 'outdated' && state === 'approved')
    throw new SecureStoreError(
      'CONFLICT',
      `request ${request.id} is outdated: its plan has changed since it was approved`,
    );
  const { by: _before, ...rest } = request;
  const end = state === 'approved' ? endOf(expires, now, VALID_FOR, 0) : request.expires;
  return { ...rest, state, expires: end, ...(by === undefined ? {} : { by }) };
}

/** The approvals by which a principal may do something now, one for each action; `undefined` if one is missing. */
export function approvalsFor(
  requests: Requests,
  who: PrincipalName,
  wanted: readonly Wanted[],
  key: string | undefined,
  now: number,
): StoredRequest[] | undefined {
  const found = wanted.flatMap(
    ({ action, plan }) =>
      requests.find(
        (request) =>
          request.state === 'approved' &&
          request.expires > now &&
          request.principal === who &&
          request.action === action &&
          request.key === key &&
          request.plan?.digest === plan.digest,
      ) ?? [],
  );
  return found.length === wanted.length ? found : undefined;
}

/** The approvals that a principal has, or had until they were outdated, for actions, and that are of other plans. */
export function approvalsOfOtherPlans(
  requests: Requests,
  who: PrincipalName,
  wanted: readonly Wanted[],
  key: string | undefined,
  now: number,
): StoredRequest[] {
  return requests.filter(
    (request) =>
      (request.state === 'approved' || request.state === 'outdated') &&
      request.expires > now &&
      request.principal === who &&
      request.key === key &&
      wanted.some(({ action, plan }) => action === request.action && plan.digest !== request.plan?.digest),
  );
}

/** The requests, with the approvals of an attempt outdated that are of what it would have done before. */
export function outdatedBy(
  requests: Requests,
  who: PrincipalName,
  wanted: readonly Wanted[],
  key: string | undefined,
  now: number,
): Requests {
  const isOver = ({ action, plan }: StoredRequest): boolean =>
    wanted.some((one) => one.action === action && (plan === undefined || isSameOperation(plan, one.plan)));
  const over = new Set(approvalsOfOtherPlans(requests, who, wanted, key, now).filter(isOver));
  return requests.map((request) => (over.has(request) ? { ...request, state: 'outdated' } : request));
}
