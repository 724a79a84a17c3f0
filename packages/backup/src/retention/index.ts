export { applyRetention } from './apply.ts';
export type { KeepReason, KeptRecoveryPoint, RetentionOptions, RetentionPlan, RetentionPoint } from './apply.ts';
export { parseRetentionPolicy } from './policy.ts';
export type { RetentionPolicy, RetentionSettings } from './policy.ts';
