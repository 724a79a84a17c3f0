import type { CallOptions } from '@securestore/objects';
import type { Action } from './actions.ts';
import type { StoredToken } from './api-tokens.ts';
import type { ApprovalRequest } from './approval-requests.ts';
import type { Decision } from './decide.ts';
import type { AccessChange } from './kept-document.ts';
import type { PolicyChange } from './policy-changes.ts';
import type { Policy } from './types.ts';

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
  policy(options?: CallOptions): Promise<Policy>;
  change(changes: PolicyChange | readonly PolicyChange[], options?: CallOptions): Promise<AccessChange>;
  explain(principal: string, action: Action, key?: string, options?: CallOptions): Promise<Decision>;
  createToken(principal: string, options?: TokenOptions): Promise<NewToken>;
  tokens(options?: CallOptions): Promise<TokenInfo[]>;
  revokeToken(id: string, options?: CallOptions): Promise<AccessChange>;
  requests(options?: CallOptions): Promise<ApprovalRequest[]>;
}
