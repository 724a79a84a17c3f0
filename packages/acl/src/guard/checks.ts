import { SecureStoreError } from '@securestore/core-format';
import type { SecureStorage } from '@securestore/objects';
import { inTime } from '@securestore/objects/internal';
import type { Action } from '../rules/actions.ts';
import type { AdministrationCall } from '../administration/administration.ts';
import type { ApprovalDesk } from '../document/approval-desk.ts';
import type { StoredPlan } from '../approval/approval-plan.ts';
import type { Wanted } from '../approval/approval-requests.ts';
import { unauthenticated } from '../authentication/authenticator.ts';
import type { Decision, Subject } from '../policy/decide.ts';
import type { PrincipalName } from '../rules/identity.ts';
import type { ListingCounter } from './listing-counter.ts';
import { denied, unapproved } from '../rules/refusals.ts';
import type { SessionApprovals } from './session-approvals-types.ts';

/** A call of a session, by its dotted name. */
export type SessionCall =
  | keyof SecureStorage
  | AdministrationCall
  | `approvals.${keyof SessionApprovals}`
  | 'audit.tail';

/** @param key absent if the call is about the whole store */
export type DecisionListener = (call: SessionCall, key: string | undefined, decision: Decision) => void;

/** As whom a session acts, and what it has to know for that. */
export interface CheckContext {
  /** Who acts, under the newest policy that is known; asked at every step, so that a change takes effect. */
  readonly subject: () => Subject;
  /**
   * Makes sure that the policy is recent enough to be relied on. `undefined` if it is; else a promise to await first.
   * Without it the policy never changes but in this process.
   *
   * @throws SecureStoreError `UNAVAILABLE` if that can't be found out
   */
  readonly confirm?: (signal?: AbortSignal) => Promise<void> | undefined;
  /** The time in milliseconds since 1970. */
  readonly now: () => number;
  /** Until when the session lasts, in milliseconds since 1970; without it until it is closed. */
  readonly until?: number | undefined;
  /** Whether the session lasts still, asked at every step; absent if nothing but its end can end it. */
  readonly holds?: (() => boolean) | undefined;
  /** Counts the listings that its principal has under way; without it there may be any number. */
  readonly listings?: ListingCounter | undefined;
  /** Where approvals lie; without it what takes one is denied. */
  readonly approvals?: ApprovalDesk | undefined;
  /** Told of each decision about a call, for the audit; not of those by which a listing is filtered. */
  readonly onDecision?: DecisionListener | undefined;
}

/**
 * Calls for which an approval is needed, and kept: to look at what an object is, and whether one has it, before one reads it is part of one attempt,
 * and tells nothing that reading would not.
 */
const KEEPING: ReadonlySet<SessionCall> = new Set(['info', 'matches']);

/** What an attempt would do, for one of its actions. */
export interface PlannedAction {
  readonly plan: StoredPlan;
  /** Whether it changes so little that it takes no second person. */
  readonly isFree?: boolean;
}

/** Works out what an attempt would do, for one of its actions that takes an approval. */
export type Planner = (action: Action, signal?: AbortSignal) => Promise<PlannedAction>;

/** What a session asks before it does anything, while it is at it, and before it tells what it found. */
export class Checks {
  readonly #context: CheckContext;
  #closed = false;

  constructor(context: CheckContext) {
    this.#context = context;
  }

  close(): void {
    this.#closed = true;
  }

  /**
   * Makes sure that what is known of the policy may be relied on.
   *
   * @throws as {@link CheckContext.confirm}; SecureStoreError `TIMEOUT`, `ABORTED` if `signal` ends it
   */
  ready(call: SessionCall, signal?: AbortSignal): Promise<void> | undefined {
    const confirmed = this.#context.confirm?.(signal);
    return confirmed && inTime(call, { signal }, () => confirmed);
  }

  /** @throws SecureStoreError `UNAUTHENTICATED` if the session has ended */
  open(): void {
    const { holds, now } = this.#context;
    const { until } = this;
    if (this.#closed) throw new SecureStoreError('UNAUTHENTICATED', 'the session is closed');
    // What is no time is over, and what is no plain yes, such as a promise of one, is a no.
    const lasts: unknown = holds === undefined ? true : holds();
    if (!(until > now()) || lasts !== true) throw unauthenticated();
  }

  /**
   * Both {@link ready} and {@link open}, at each step of a call: between two there may be hours.
   *
   * @throws SecureStoreError `UNAUTHENTICATED`, `UNAVAILABLE`, `TIMEOUT`, `ABORTED`
   */
  async confirmOpen(call: SessionCall, signal?: AbortSignal): Promise<void> {
    await this.ready(call, signal);
    this.open();
  }

  /** As {@link open}, for a session that is kept beyond one call. @throws SecureStoreError also `ACCESS_DENIED` if the principal is disabled */
  good(): void {
    this.open();
    if (this.#context.subject().isDisabled !== true) return;
    throw new SecureStoreError('ACCESS_DENIED', 'the principal of this session is disabled');
  }

  /** @param key absent for what concerns the whole store */
  may(action: Action, key?: string): Decision {
    return this.#context.subject().decide({ action, key }, this.#context.now());
  }

  /** Prefixes of all names on which an action may be allowed; `['']` if they are not known. */
  prefixes(action: Action): readonly string[] {
    return this.#context.subject().prefixes?.(action, this.#context.now()) ?? [''];
  }

  /** Counts a listing until what it returns is called. @throws SecureStoreError `THROTTLED` if there are too many */
  beginListing(): () => void {
    return this.#context.listings?.begin(this.principal) ?? ((): void => undefined);
  }

  /** A keyed digest that a plan holds instead of a secret text. @throws SecureStoreError `UNSUPPORTED` if plans cannot be kept */
  seal(text: string): string {
    const { approvals } = this.#context;
    if (approvals !== undefined) return approvals.seal(text);
    throw new SecureStoreError('UNSUPPORTED', 'the store of this session keeps no requests for approval');
  }

  /** The time in milliseconds since 1970. */
  now(): number {
    return this.#context.now();
  }

  /** Until when the session lasts, in milliseconds since 1970. */
  get until(): number {
    return this.#context.until ?? Infinity;
  }

  get principal(): PrincipalName {
    return this.#context.subject().principal;
  }

  /** Tells whoever keeps the audit. */
  tell(call: SessionCall, key: string | undefined, decision: Decision): void {
    this.#context.onDecision?.(call, key, decision);
  }

  /**
   * Whether a call may begin that takes all of `actions`. Where that takes approvals, they are used up, but by {@link KEEPING}.
   *
   * @param plan asked what the call would do, for each action that takes an approval: one of another plan does not count
   * @returns `undefined` if it may; else a promise to await first
   * @throws SecureStoreError `ACCESS_DENIED`, `UNAUTHENTICATED`
   */
  begin(
    call: SessionCall,
    key: string | undefined,
    actions: readonly Action[],
    signal: AbortSignal | undefined,
    plan: Planner,
  ): Promise<void> | undefined {
    this.open();
    const decisions = actions.map((action) => this.may(action, key));
    const refused = decisions.findIndex(({ allowed }) => !allowed);
    // Where none is refused, the last one.
    const decision = decisions.at(refused);
    const action = actions.at(refused);
    if (decision === undefined || action === undefined) return undefined;
    // Using up approvals takes a look at the newest policy: what was taken away by then counts, approved or not.
    const special = actions.filter((_, index) => decisions[index]?.needsApproval);
    if (refused === -1 && special.length > 0)
      return this.#useApprovals(call, key, special, decision, { plan, signal }).then(() =>
        this.still(call, key, actions),
      );
    this.tell(call, key, decision);
    if (!decision.allowed) throw denied(call, action, key);
    return undefined;
  }

  async #useApprovals(
    call: SessionCall,
    key: string | undefined,
    actions: readonly Action[],
    decision: Decision,
    { plan, signal }: { readonly plan: Planner; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    const { approvals: desk } = this.#context;
    const refuse = (refused: readonly Action[], hasChanged: boolean): never => {
      this.tell(call, key, { ...decision, allowed: false, reason: 'no approval' });
      throw unapproved(call, refused, key, hasChanged);
    };
    if (desk === undefined) return refuse(actions, false);
    const wanted: Wanted[] = [];
    for (const action of actions) {
      const planned = await plan(action, signal);
      if (planned.isFree !== true) wanted.push({ action, plan: planned.plan });
    }
    if (wanted.length === 0) return this.tell(call, key, decision);
    const approvals = KEEPING.has(call)
      ? await desk.find(this.principal, wanted, key, signal)
      : await desk.use(this.principal, wanted, key, signal);
    if (approvals === undefined) {
      const lacking = wanted.map(({ action }) => action);
      return refuse(lacking, await desk.outdate(this.principal, wanted, key, signal));
    }
    this.tell(call, key, { ...decision, approvals });
  }

  /** Whether it is allowed still, while it is under way; the audit has heard of it. @throws as {@link begin} */
  still(call: SessionCall, key: string | undefined, actions: readonly Action[]): void {
    this.open();
    const lost = actions.find((action) => !this.may(action, key).allowed);
    if (lost !== undefined) throw denied(call, lost, key);
  }
}
