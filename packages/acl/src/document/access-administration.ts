import type { CallOptions } from '@securestore/objects';
import type { Action } from '../rules/actions.ts';
import type { StoredToken } from '../authentication/api-tokens.ts';
import type { ApprovalRequest } from '../approval/approval-requests.ts';
import type { Decision } from '../policy/decide.ts';
import type { AccessChange } from './kept-document.ts';
import type { PolicyChange } from '../policy/policy-changes.ts';
import type { Policy } from '../rules/types.ts';

/** What anybody may know of an API token. */
export type TokenInfo = Omit<StoredToken, 'hash'>;

/** A new API token. */
export interface NewToken extends TokenInfo {
  /** Shown here and never again. */
  readonly token: string;
}

export interface TokenOptions extends CallOptions {
  /** Until when it is good; without it until it is revoked. */
  readonly expires?: Date | undefined;
}

/**
 * Who may do what, as a session may look at it and change it; see `AccessControl`. What it decides about requests for approval it
 * decides as somebody, and so not here.
 */
export interface AccessAdministration {
  /** The policy: roles, and principals with what is granted to them. */
  policy(options?: CallOptions): Promise<Policy>;
  /**
   * Changes the policy, all of `changes` or none, in one change of the head. It counts at once in this process and within
   * five seconds in others. If it may take access away from anybody, it is brought to the destinations of backups as well, so that a restore
   * does not undo it; each is waited for ten seconds at most.
   *
   * @returns the destinations that it could not be brought to
   * @throws SecureStoreError `INVALID_ARGUMENT`, also for a rule that binds nothing or names a category that the store does not
   *   have; `NOT_FOUND`; `CONFLICT` where nobody could change it any more who could before, or others come first again and
   *   again
   */
  change(changes: PolicyChange | readonly PolicyChange[], options?: CallOptions): Promise<AccessChange>;
  /**
   * Whether somebody may do something, and which rule says so.
   *
   * @throws SecureStoreError `INVALID_ARGUMENT` for an unknown action, or one about objects without a key
   */
  explain(principal: string, action: Action, key?: string, options?: CallOptions): Promise<Decision>;
  /**
   * Makes an API token for a principal of the policy.
   *
   * @throws SecureStoreError `NOT_FOUND` where there is no such principal, `INVALID_ARGUMENT`
   */
  createToken(principal: string, options?: TokenOptions): Promise<NewToken>;
  /** The API tokens that are good, without anything that they could be made from. */
  tokens(options?: CallOptions): Promise<TokenInfo[]>;
  /** Revokes an API token; sessions that it began end with it. @throws SecureStoreError `NOT_FOUND` */
  revokeToken(id: string, options?: CallOptions): Promise<AccessChange>;
  /** What somebody has asked a second person to approve and is not used or over. */
  requests(options?: CallOptions): Promise<ApprovalRequest[]>;
}
