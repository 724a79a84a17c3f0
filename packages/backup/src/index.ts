export * from './lazy.ts';
export { isBackup } from './repository/destination.ts';
export { namingDestination } from './repository/errors.ts';
export { CONTINUOUS_CHANNEL } from './continuous/outage.ts';
export type { ContinuousMessage } from './continuous/outage.ts';
export type {
  ContinuousBackup,
  ContinuousStatus,
  ContinuousBackupOptions,
  SynchronousOptions,
} from './continuous/continuous-types.ts';
export type { ReplicationStatus, CurrentReplicationStatus, Reached } from './trust/replication-status.ts';
export { drillBackup } from './restore/drill.ts';
export type { DrillOptions } from './restore/drill.ts';
export type { DrillFacts, DrillReceipt, Receipts, RestoreFacts, RestoreReceipt } from './restore/receipts.ts';
export type {
  BrowseOptions,
  BrowsePage,
  CompareOptions,
  ComparePage,
  Difference,
  FindOptions,
  FindPage,
  FoundKey,
  KeyTimeline,
  RecoveryPointLocator,
  RecoveryPointInfo,
  RecoveryPointRetrieveOptions,
  Timeline,
  TimelineOptions,
  VersionThen,
} from './recovery/types.ts';
export type {
  BackupOptions,
  NamedObjects,
  SnapshotOptions,
  SnapshotReport,
  TakeOverOptions,
} from './snapshot/snapshot-types.ts';
export type {
  ConflictPolicy,
  DrillJobOptions,
  DrillReport,
  RestoreChange,
  RestoredObject,
  RestoreIntoOptions,
  RestoreIntoReport,
  RestoreJobReport,
  RestoreOptions,
  RestoreStoreJobOptions,
  RestoreStoreJobReport,
} from './restore/restore-types.ts';
export type { VerifyOptions as VerifyBackupOptions } from './verify/verify-destination.ts';
export type { Connect, Connected } from './trust/destinations.ts';
export type { ForgetReport } from './prune/forget.ts';
export type { RefusedRemoval } from './repository/tolerant-delete.ts';
export type { ChosenSnapshot, RecoveryGap } from './trust/moment.ts';
export { withKeysOfNow } from './trust/chain-attestation.ts';
export { openBackup } from './trust/open-backup.ts';
export type { BackupSettings } from './trust/open-backup.ts';
export { OpenedBackup } from './trust/opened-backup.ts';
export type { OnDamagedSnapshot, RecoveryPointChoice, SnapshotInfo } from './repository/snapshot-info.ts';
export { hasDestinations, rememberMigration } from './trust/migrated-from.ts';
export { destinationsIn } from './trust/registry.ts';
export type { RegisteredDestination } from './trust/registry.ts';
export type { RetainOptions, RetentionReport } from './prune/retain.ts';
export type {
  KeepReason,
  KeptRecoveryPoint,
  RetentionPlan,
  RetentionPolicy,
  RetentionSettings,
} from './retention/index.ts';
export { applyRetention, parseRetentionPolicy } from './retention/index.ts';
export { restoreInto } from './restore/restore-into.ts';
export { restoreStoreTo } from './restore/restore-store.ts';
export type { RestoreReport, RestoreStoreOptions } from './restore/restore-store.ts';
export { makeSnapshot } from './snapshot/snapshot.ts';
export { verifyOpenedBackup } from './verify/verify-backup.ts';
export type {
  BackupFinding,
  BackupVerifyReport,
  RollingReport,
  VerifyDepth,
  VerifyProgress,
} from './repository/findings.ts';
export { scrubBackup } from './verify/scrub.ts';
export type { BackupTask, ScheduleSettings } from './schedule/schedule-list.ts';
export type { RunSchedulesOptions, ScheduleInfo } from './api/schedule-types.ts';
export type { HookedRun, RunHook, RunHookOptions } from './schedule/run-hooks.ts';
export {
  checkSchedule,
  nextRun,
  overdue,
  readScheduleStatus,
  runDueSchedules,
  runSchedules,
} from './schedule/index.ts';
export type {
  FinishedRun,
  RunFindings,
  Occurrence,
  RunClaim,
  RunEnd,
  RunHooks,
  RunnerOptions,
  RunOutcome,
  RunReport,
  Schedule,
  ScheduledRun,
  ScheduleState,
  ScheduleStatus,
} from './schedule/index.ts';
export type { StateStorage } from '@securestore/jobs';
export { Alerts, conditionsOf, scheduleFacts } from './schedule/alerts/index.ts';
export type {
  Alert,
  AlertFailure,
  AlertReport,
  AlertsOptions,
  AlertSink,
  Condition,
  ExecHookOptions,
  HttpOptions,
  ProgramOptions,
  ScheduleFacts,
  Severity,
  WatchFacts,
  WatchThresholds,
  WebhookOptions,
} from './schedule/alerts/index.ts';
export type { RecoveryWindow } from './trust/recovery-windows.ts';
