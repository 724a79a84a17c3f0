export * from './lazy.ts';
export type { AccessSettings } from './control/access-settings.ts';
export type { AccessAdministration, NewToken, TokenInfo, TokenOptions } from './document/access-administration.ts';
export type { AccessChange } from './document/kept-document.ts';
export { ACTIONS, isObjectAction } from './rules/actions.ts';
export type { Action, ActionPattern, ObjectAction, StoreAction } from './rules/actions.ts';
export { ADMINISTRATION } from './administration/administration.ts';
export { guardAdministration } from './administration/guard-administration.ts';
export type {
  AboutObject,
  AdministrationCall,
  AuditAdministration,
  BackupAdministration,
  Guard,
  GuardedCall,
  ScheduleAdministration,
  StoreAdministration,
} from './administration/administration.ts';
export type { Caller, RecoveryPointAdministration } from './rules/for-callers.ts';
export { apiTokens, createToken } from './authentication/api-tokens.ts';
export type { RandomSource, StoredToken } from './authentication/api-tokens.ts';
export { aboutOf } from './administration/call-arguments.ts';
export type { PlannedOperation } from './administration/call-plan.ts';
export type { ApprovalPlan, PlannedObject, PlanValue } from './approval/approval-plan.ts';
export type { ApprovalDesk } from './document/approval-desk.ts';
export type { ApprovalRequest, ApproveOptions } from './approval/approval-requests.ts';
export { authenticate, unauthenticated } from './authentication/authenticator.ts';
export type { Authenticated, AuthenticationContext, Authenticator } from './authentication/authenticator.ts';
export type { CheckContext, DecisionListener, SessionCall } from './guard/checks.ts';
export { Decider } from './policy/decide.ts';
export type { Attempt, Decision, Subject } from './policy/decide.ts';
export { MAX_PRINCIPAL_NAME_BYTES, foldPrincipalName } from './rules/identity.ts';
export type { PrincipalName } from './rules/identity.ts';
export type { ListingBound, SessionListingOptions } from './session/guarded-listing.ts';
export type { JwtAlgorithm, JwtOptions } from './authentication/jwt.ts';
export { ACCESS_CHANNEL, PermissionCache } from './policy/permission-cache.ts';
export type { AccessTrace, CacheFigures } from './policy/permission-cache.ts';
export { EMPTY_POLICY, POLICY_LIMITS, parsePolicy, parseRule } from './rules/policy.ts';
export { changePolicy } from './policy/policy-changes.ts';
export type { PolicyChange } from './policy/policy-changes.ts';
export type { AttemptRecorder, RecordedAttempt, RecordingContext } from './control/recorded-calls.ts';
export type { SessionAudit } from './guard/session-audit.ts';
export { Session } from './session/session.ts';
export type { Permission, SessionContext } from './session/session.ts';
export type { RequestOptions, SessionApprovals } from './guard/session-approvals-types.ts';
export { SURFACE } from './guard/surface.ts';
export { TEMPLATES } from './rules/templates.ts';
export type { Template } from './rules/templates.ts';
export type { ApprovalRule, Grant, Policy, Principal, Role, Rule } from './rules/types.ts';
export { MAX_LISTINGS } from './guard/listing-counter.ts';
export { namesIn, withoutNames } from './guard/without-names.ts';
