import { createSecretKey, randomBytes } from 'node:crypto';
import type { StoreKey } from '@securestore/core-format';
import type { CallOptions, SecureStorage } from '@securestore/objects';
import { withOneEnd } from '@securestore/objects/internal';
import { checkQuestion } from '../rules/actions.ts';
import type { Action } from '../rules/actions.ts';
import { guardAdministration } from '../administration/guard-administration.ts';
import type { StoreAdministration } from '../administration/administration.ts';
import { Checks } from '../guard/checks.ts';
import type { CheckContext } from '../guard/checks.ts';
import { guardedListing } from './guarded-listing.ts';
import type { SessionListingOptions } from './guarded-listing.ts';
import type { PrincipalName } from '../rules/identity.ts';
import { ListingPositions } from './listing-position.ts';
import type { CacheFigures } from '../policy/permission-cache.ts';
import { sessionApprovals } from './session-approvals.ts';
import type { SessionApprovals } from '../guard/session-approvals-types.ts';
import { sessionAudit } from '../guard/session-audit.ts';
import type { SessionAudit } from '../guard/session-audit.ts';
import { callerOf, sessionGuard } from '../guard/session-guard.ts';
import { SessionStorage } from './session-storage.ts';

/** What a session acts on, and as whom. */
export interface SessionContext extends CheckContext {
  readonly storage: SecureStorage;
  /** Its administration; where there is none, or none of a kind, those calls fail with `UNSUPPORTED`. */
  readonly administration?: Partial<StoreAdministration> | undefined;
  /** What seals where listings go on; without it that is good for this session alone. */
  readonly positions?: ListingPositions | undefined;
  /** How often what was decided for it was remembered; without it nothing is said to be. */
  readonly tally?: CacheFigures | undefined;
}

/** Whether something may be done: by oneself, with the approval of a second person, or not. */
export type Permission = 'allowed' | 'approval' | 'denied';

/** The store as one principal may use it: what is not allowed fails with `ACCESS_DENIED`, whether it is there or not. */
export class Session extends SessionStorage implements SecureStorage, StoreAdministration, AsyncDisposable {
  readonly rotateEncryptionKey: StoreAdministration['rotateEncryptionKey'];
  readonly checkpoint: StoreAdministration['checkpoint'];
  readonly gc: StoreAdministration['gc'];
  readonly verify: StoreAdministration['verify'];
  readonly health: StoreAdministration['health'];
  readonly scrub: StoreAdministration['scrub'];
  readonly slots: StoreAdministration['slots'];
  readonly settings: StoreAdministration['settings'];
  /** The keys of objects that may be seen. */
  readonly keys: (prefix?: string, options?: SessionListingOptions) => AsyncGenerator<StoreKey>;
  readonly encryptionKeys: StoreAdministration['encryptionKeys'];
  readonly jobs: StoreAdministration['jobs'];
  readonly access: StoreAdministration['access'];
  readonly members: StoreAdministration['members'];
  readonly audit: SessionAudit;
  readonly backup: StoreAdministration['backup'];
  readonly restore: StoreAdministration['restore'];
  readonly backups: StoreAdministration['backups'];
  /** What the store was, at any point that can be restored. */
  readonly recoveryPoints: StoreAdministration['recoveryPoints'];
  readonly schedules: StoreAdministration['schedules'];
  /** What takes a second person: asking for it, and deciding about what others ask for. */
  readonly approvals: SessionApprovals;
  readonly #checks: Checks;
  readonly #tally: CacheFigures;

  constructor({ storage, administration, tally = { hits: 0, misses: 0 }, ...context }: SessionContext) {
    const own = createSecretKey(randomBytes(32));
    const { positions = new ListingPositions(() => own) } = context;
    const checks = new Checks(context);
    super(checks, storage, positions);
    this.#tally = tally;
    this.#checks = checks;
    const guarded = guardAdministration(
      administration,
      sessionGuard(this.#checks, storage, administration),
      callerOf(this.#checks),
    );
    this.rotateEncryptionKey = guarded.rotateEncryptionKey;
    this.checkpoint = guarded.checkpoint;
    this.gc = guarded.gc;
    this.verify = guarded.verify;
    this.health = guarded.health;
    this.scrub = guarded.scrub;
    this.slots = guarded.slots;
    this.settings = guarded.settings;
    this.jobs = guarded.jobs;
    this.access = guarded.access;
    this.members = guarded.members;
    this.audit = sessionAudit(guarded.audit, administration?.audit, this.#checks);
    this.backup = guarded.backup;
    this.restore = guarded.restore;
    this.backups = guarded.backups;
    this.recoveryPoints = guarded.recoveryPoints;
    this.schedules = guarded.schedules;
    this.approvals = sessionApprovals(this.#checks, context.approvals, { storage, administration });
    this.keys = (prefix = '', options) =>
      guardedListing<StoreKey>(this.#checks, 'keys', { prefix, options, storage, positions });
    this.encryptionKeys = guarded.encryptionKeys;
  }

  /** Who acts. */
  get principal(): PrincipalName {
    return this.#checks.principal;
  }

  /** Until when the session lasts, as its token does, in milliseconds since 1970; `Infinity` if its token has no end. */
  get until(): number {
    return this.#checks.until;
  }

  /** How often what was decided for this session was remembered. */
  get figures(): CacheFigures {
    const { hits, misses } = this.#tally;
    return { hits, misses };
  }

  /**
   * Whether something may be done without asking anybody, as far as is known now: for what is no call of a session, and to show what there is.
   *
   * @param key absent for what concerns the whole store
   * @throws SecureStoreError `UNAUTHENTICATED`; `UNAVAILABLE`, `TIMEOUT`, `ABORTED` where that can't be found out; `INVALID_ARGUMENT`, `INVALID_KEY`
   */
  async allows(action: Action, key?: string, options?: CallOptions): Promise<boolean> {
    return (await this.permission(action, key, options)) === 'allowed';
  }

  /**
   * Whether something may be done: by oneself, with the approval of a second person, or not.
   *
   * @param key absent for what concerns the whole store
   * @throws SecureStoreError as {@link allows}
   */
  async permission(action: Action, key?: string, options?: CallOptions): Promise<Permission> {
    checkQuestion(action, key);
    await this.#checks.confirmOpen('access.explain', options?.signal);
    const { allowed, needsApproval } = this.#checks.may(action, key);
    return allowed ? (needsApproval ? 'approval' : 'allowed') : 'denied';
  }

  /**
   * Whether the session is still good for anything, for whoever keeps one for many requests: its token is not revoked, its time is not up, and who acts
   * is not disabled. It asks for no decision, and costs a reading only where the policy is due to be looked at.
   *
   * @throws SecureStoreError `UNAUTHENTICATED` where it has ended; `ACCESS_DENIED` where who acts is disabled; `UNAVAILABLE`, `TIMEOUT`, `ABORTED` where
   *   that can't be found out
   */
  async check(options?: CallOptions): Promise<void> {
    const end = withOneEnd(options);
    await this.#checks.ready('access.explain', end?.signal);
    this.#checks.good();
  }

  /** From now on every call fails with `UNAUTHENTICATED`. The store stays open, and jobs that were started go on. */
  close(): Promise<void> {
    this.#checks.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
