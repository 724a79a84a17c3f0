import type { StoreAdministration } from '../administration/administration.ts';
import type { Authenticator } from '../authentication/authenticator.ts';
import type { DecisionListener } from '../guard/checks.ts';
import type { PrincipalName } from '../rules/identity.ts';

export interface AccessSettings {
  /** Ways of finding out who a caller is, next to API tokens. */
  readonly authenticators?: readonly Authenticator[] | undefined;
  /**
   * The administration that sessions may use besides the calls about data, if there is any: that of the store, with its access control as
   * `access`.
   */
  readonly administration?: Partial<StoreAdministration> | undefined;
  /** Called with each decision in all sessions, for the audit: the principal, and the arguments of a {@link DecisionListener}. */
  readonly onDecision?: ((principal: PrincipalName, ...heard: Parameters<DecisionListener>) => void) | undefined;
}
