/**
 * The access control of an open store, without what its calls do: the first of them loads that. For programs that may never begin a session;
 * everything else is in the entry `.`, which loads it at once.
 */
export { checkAuthenticators } from './authentication/authenticator.ts';
export { jwt } from './authentication/jwt.ts';
export { AccessControl } from './control/access-control.ts';
export { recorded } from './control/recorded.ts';
export { requestIdIn } from './control/recorded-calls.ts';
export {
  addPrincipal,
  disablePrincipal,
  grantRole,
  removePrincipal,
  removeRole,
  revokeRole,
  setApprovals,
  setRole,
} from './policy/policy-changes.ts';
export { parsePrincipalName } from './rules/identity.ts';
export { templateRules } from './rules/templates.ts';
