import { lazyPart } from '@securestore/core-format';
import type { CallOptions, SecureStorage } from '@securestore/objects';
import type { PolicyObject } from '@securestore/objects/internal';
import type { ApprovalRequest, ApproveOptions } from '../approval/approval-requests.ts';
import { checkAuthenticators } from '../authentication/authenticator.ts';
import type { AccessAdministration, NewToken, TokenInfo, TokenOptions } from '../document/access-administration.ts';
import type { AccessChange } from '../document/kept-document.ts';
import type { CacheFigures } from '../policy/permission-cache.ts';
import type { Decision } from '../policy/decide.ts';
import type { PolicyChange } from '../policy/policy-changes.ts';
import type { Action } from '../rules/actions.ts';
import type { Policy } from '../rules/types.ts';
import type { Session } from '../session/session.ts';
import type { AccessSettings } from './access-settings.ts';
import type { LoadedAccessControl } from './loaded-access-control.ts';

/** The access control of a store: its policy, its API tokens, and sessions. The first call loads the work of all calls. */
export class AccessControl implements AccessAdministration {
  readonly #load: () => Promise<LoadedAccessControl>;
  #loaded: LoadedAccessControl | undefined;

  /** @throws SecureStoreError `INVALID_ARGUMENT` for invalid authenticators */
  constructor(storage: SecureStorage, object: PolicyObject, settings: AccessSettings = {}) {
    checkAuthenticators(settings.authenticators ?? []);
    this.#load = lazyPart('access control', async () => {
      const { LoadedAccessControl: Loaded } = await import('./loaded-access-control.ts');
      return (this.#loaded = new Loaded(storage, object, settings));
    });
  }

  /** How often a remembered decision was used, in all sessions together that were begun here. */
  get figures(): CacheFigures {
    return this.#loaded?.figures ?? { hits: 0, misses: 0 };
  }

  async policy(options?: CallOptions): Promise<Policy> {
    return (await this.#load()).policy(options);
  }

  async change(changes: PolicyChange | readonly PolicyChange[], options?: CallOptions): Promise<AccessChange> {
    return (await this.#load()).change(changes, options);
  }

  async explain(principal: string, action: Action, key?: string, options?: CallOptions): Promise<Decision> {
    return (await this.#load()).explain(principal, action, key, options);
  }

  async createToken(principal: string, options?: TokenOptions): Promise<NewToken> {
    return (await this.#load()).createToken(principal, options);
  }

  async tokens(options?: CallOptions): Promise<TokenInfo[]> {
    return (await this.#load()).tokens(options);
  }

  async revokeToken(id: string, options?: CallOptions): Promise<AccessChange> {
    return (await this.#load()).revokeToken(id, options);
  }

  async requests(options?: CallOptions): Promise<ApprovalRequest[]> {
    return (await this.#load()).requests(options);
  }

  /**
   * Lets the principal who asked do it once, if the rules still allow it to them then. The owner is the second person here; in a session
   * it is {@link Session.approvals}.
   *
   * @throws SecureStoreError `NOT_FOUND`, `CONFLICT` if it has been decided, `INVALID_ARGUMENT`
   */
  async approve(id: string, options?: ApproveOptions): Promise<ApprovalRequest> {
    return (await this.#load()).approve(id, options);
  }

  /** Refuses it, or takes back an approval that is not used yet. @throws as {@link approve} */
  async deny(id: string, options?: CallOptions): Promise<ApprovalRequest> {
    return (await this.#load()).deny(id, options);
  }

  /**
   * The store as the principal may use it whom the credentials prove.
   *
   * @throws SecureStoreError `UNAUTHENTICATED`; `UNAVAILABLE` or `TIMEOUT` if that can't be found out
   */
  async session(credentials: unknown, options?: CallOptions): Promise<Session> {
    return (await this.#load()).session(credentials, options);
  }
}
