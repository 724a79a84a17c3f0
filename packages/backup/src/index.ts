export { isBackup } from './destination.ts';
export { backupJobId } from './backup-job.ts';
export { Backups } from './backups.ts';
export { FOLLOW_CHANNEL } from './channel.ts';
export type { FollowMessage } from './channel.ts';
export type { ContinuousStatus } from './continuous-types.ts';
export type { Followed, FollowedNow, Reached } from './followed.ts';
export { drillBackup } from './drill.ts';
export type { DrillOptions } from './drill.ts';
export { readReceipt } from './receipt.ts';
export type { DrillFacts, DrillReceipt } from './receipt.ts';
export { readRestoreReceipt } from './restore-receipt.ts';
export type { RestoreFacts, RestoreReceipt } from './restore-receipt.ts';
export { RecoveryPoints } from './recovery/recovery-points.ts';
export type { PointRetrieveOptions } from './recovery/recovery-points.ts';
export type {
  BrowseOptions,
  BrowsePage,
  CompareOptions,
  ComparePage,
  Difference,
  FindOptions,
  FindPage,
  FoundName,
  KeyTimeline,
  Moment,
  MomentInfo,
  Receipts,
  Timeline,
  TimelineOptions,
  VersionThen,
} from './recovery/types.ts';
export type { SynchronousOptions } from './synchronous.ts';
export type {
  BackupOptions,
  ContinuousBackup,
  DrillJobOptions,
  DrillReport,
  FollowOptions,
  RestoreJobReport,
  RestoreOptions,
  RestoreStoreJobOptions,
  RestoreStoreJobReport,
  VerifyOptions as VerifyBackupOptions,
} from './backup-types.ts';
export type { Connect, Connected } from './places.ts';
export type { ForgetReport } from './forget.ts';
export type { RefusedRemoval } from './refusals.ts';
export type { ChosenSnapshot, RecoveryGap } from './moment.ts';
export { openBackup, OpenedBackup } from './opened-backup.ts';
export type { BackupSettings } from './opened-backup.ts';
export type { PointChoice } from './point-choice.ts';
export { destinationsIn } from './registry.ts';
export type { RegisteredDestination } from './registry.ts';
export type { RetainOptions, RetentionReport, RetentionSettings } from './retain.ts';
export { applyRetention, parseRetentionPolicy } from './retention/index.ts';
export type { KeepReason, KeptPoint, RetentionPlan, RetentionPolicy } from './retention/index.ts';
export { restoreInto } from './restore-into.ts';
export type {
  ConflictPolicy,
  RestoreChange,
  RestoredObject,
  RestoreIntoOptions,
  RestoreIntoReport,
} from './restore-into-types.ts';
export { restoreStoreTo } from './restore-store.ts';
export type { RestoreReport, RestoreStoreOptions } from './restore-store.ts';
export { makeSnapshot } from './snapshot.ts';
export type { OnDamagedSnapshot, SnapshotInfo } from './snapshot-info.ts';
export type { SnapshotOptions, SnapshotReport } from './snapshot-types.ts';
export { verifyOpenedBackup } from './verify-backup.ts';
export type { BackupFinding, BackupVerifyReport, RollingReport, VerifyDepth, VerifyProgress } from './findings.ts';
export { scrubBackup } from './scrub.ts';
export type { BackupTask, ScheduleSettings } from './schedule-list.ts';
export type { RunSchedulesOptions, ScheduleInfo } from './schedules.ts';
export { Schedules } from './schedules.ts';
export { execRunHook } from './run-hooks.ts';
export type { HookedRun, RunHook, RunHookOptions } from './run-hooks.ts';
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
export { Alerts, conditionsOf, deadManPing, execHook, scheduleFacts, webhook } from './watch/index.ts';
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
} from './watch/index.ts';
export type { RecoveryWindow } from './windows.ts';
