import type { StoreAdministration } from '../administration/administration.ts';
import type { Authenticator } from '../authentication/authenticator.ts';
import type { DecisionListener } from '../guard/checks.ts';
import type { PrincipalName } from '../rules/identity.ts';

export interface AccessSettings {
  /** Ways of finding out who a caller is, next to API tokens. */
  readonly authenticators?: readonly Authenticator[] | undefined;
  /**
   * What sessions may do beside the calls about data, as far as there is any: that of the store, with its access control as
   * `access`.
   */
  readonly administration?: Partial<StoreAdministration> | undefined;
  /** Told of each decision in all sessions, for the audit: who acts, and what a {@link DecisionListener} is told. */
  readonly onDecision?: ((principal: PrincipalName, ...heard: Parameters<DecisionListener>) => void) | undefined;
}
