export { AccessControl } from './access-control.ts';
export type { AccessSettings } from './access-control.ts';
export type { AccessAdministration, NewToken, TokenInfo, TokenOptions } from './access-administration.ts';
export type { AccessChange } from './kept-document.ts';
export { ACTIONS, isObjectAction } from './actions.ts';
export type { Action, ActionPattern, ObjectAction, StoreAction } from './actions.ts';
export { ADMINISTRATION } from './administration.ts';
export { guardAdministration } from './guard-administration.ts';
export type {
  AboutObject,
  AdministrationCall,
  AuditAdministration,
  BackupAdministration,
  Guard,
  GuardedCall,
  ScheduleAdministration,
  StoreAdministration,
} from './administration.ts';
export type { Caller, PointAdministration } from './for-callers.ts';
export { apiTokens, createToken } from './api-tokens.ts';
export type { RandomSource, StoredToken } from './api-tokens.ts';
export { aboutOf } from './call-about.ts';
export type { PlannedOperation } from './call-plan.ts';
export type { ApprovalPlan, PlannedObject, PlanValue } from './approval-plan.ts';
export type { ApprovalDesk } from './approval-desk.ts';
export type { ApprovalRequest, ApproveOptions } from './approval-requests.ts';
export { authenticate, checkAuthenticators, unauthenticated } from './authenticator.ts';
export type { Authenticated, AuthenticationContext, Authenticator } from './authenticator.ts';
export type { CheckContext, DecisionListener, SessionCall } from './checks.ts';
export { Decider } from './decide.ts';
export type { Attempt, Decision, Subject } from './decide.ts';
export { MAX_IDENTITY_BYTES, foldIdentity, parseIdentity } from './identity.ts';
export type { Identity } from './identity.ts';
export type { ListingBound, SessionListingOptions } from './guarded-listing.ts';
export { jwt } from './jwt.ts';
export type { JwtAlgorithm, JwtOptions } from './jwt.ts';
export { ACCESS_CHANNEL, PermissionCache } from './permission-cache.ts';
export type { AccessTrace, CacheFigures } from './permission-cache.ts';
export { EMPTY_POLICY, POLICY_LIMITS, parsePolicy, parseRule } from './policy.ts';
export {
  addPrincipal,
  changePolicy,
  disablePrincipal,
  grantRole,
  removePrincipal,
  removeRole,
  revokeRole,
  setApprovals,
  setRole,
} from './policy-changes.ts';
export type { PolicyChange } from './policy-changes.ts';
export { recorded } from './recorded.ts';
export { requestIdIn } from './recorded-calls.ts';
export type { AttemptRecorder, RecordedAttempt, RecordingContext } from './recorded-calls.ts';
export type { SessionAudit } from './session-audit.ts';
export { Session } from './session.ts';
export type { Permission, SessionContext } from './session.ts';
export type { RequestOptions, SessionApprovals } from './session-approvals-types.ts';
export { SURFACE } from './surface.ts';
export { TEMPLATES, templateRules } from './templates.ts';
export type { Template } from './templates.ts';
export type { ApprovalRule, Grant, Policy, Principal, Role, Rule } from './types.ts';
export { namesIn, withoutNames } from './without-names.ts';
