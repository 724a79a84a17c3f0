export {
  addPrincipal,
  disablePrincipal,
  grantRole,
  jwt,
  parsePrincipalName,
  removePrincipal,
  removeRole,
  revokeRole,
  setApprovals,
  setRole,
  templateRules,
} from '@securestore/acl/lazy';
export type {
  AccessChange,
  AccessControl,
  Action,
  ApprovalPlan,
  ApprovalRequest,
  ApprovalRule,
  ApproveOptions,
  Authenticated,
  Authenticator,
  Decision,
  PrincipalName,
  JwtOptions,
  NewToken,
  Policy,
  PolicyChange,
  RequestOptions,
  Rule,
  Session,
  ListingBound,
  PlannedObject,
  PlannedOperation,
  PlanValue,
  SessionApprovals,
  SessionListingOptions,
  Template,
  TokenInfo,
} from '@securestore/acl';
export type {
  BackupFinding,
  BackupVerifyReport,
  ChosenSnapshot,
  ListSnapshotsOptions,
  OpenBackupOptions,
  RecoveryGap,
  RestoreReport,
  RestoreStoreOptions,
  RollingReport,
  SnapshotChoice,
  SnapshotInfo,
  VerifyBackupOptions,
  VerifyDepth,
} from './store/backups.ts';
export { hasBackup, listSnapshots, listWindows, readSnapshot, restoreStore, verifyBackup } from './store/backups.ts';
export { deadManPing, execHook, execRunHook, readReceipt, readRestoreReceipt, webhook } from '@securestore/backup/lazy';
export type {
  BackupOptions,
  Backups,
  BrowseOptions,
  BrowsePage,
  CompareOptions,
  ComparePage,
  ConflictPolicy,
  ContinuousBackup,
  ContinuousStatus,
  CurrentReplicationStatus,
  DrillFacts,
  DrillReceipt,
  Difference,
  DrillReport,
  FindOptions,
  FindPage,
  ContinuousBackupOptions,
  ForgetReport,
  FoundKey,
  HookedRun,
  KeyTimeline,
  RecoveryPointLocator,
  RecoveryPointInfo,
  RecoveryPointChoice,
  RecoveryPointRetrieveOptions,
  Receipts,
  RecoveryPoints,
  RecoveryWindow,
  RefusedRemoval,
  RegisteredDestination,
  RestoredObject,
  RestoreFacts,
  RestoreJobReport,
  RestoreOptions,
  RestoreReceipt,
  RestoreStoreJobOptions,
  RestoreStoreJobReport,
  RetentionReport,
  RetentionSettings,
  RunHook,
  RunSchedulesOptions,
  ScheduleInfo,
  Schedules,
  ScheduleSettings,
  NamedObjects,
  SnapshotReport,
  TakeOverOptions,
  Timeline,
  TimelineOptions,
  VersionThen,
} from '@securestore/backup';
export { unopened } from '@securestore/health/lazy';
export type {
  CheckStatus,
  HealthCheck,
  HealthOptions,
  HealthReport,
  HealthStatus,
  HealthThresholds,
  Metrics,
  MetricsOptions,
  OpenTelemetryOptions,
  RepairSource,
  ScrubFinding,
  ScrubOptions,
  ScrubReport,
} from '@securestore/health';
export { exportFile, exportFolder, fileFormatOf, importFile, importFolder } from '@securestore/migrate/lazy';
export type {
  ExportFolderOptions,
  ExportReport,
  ExportSource,
  FailedItem,
  FileFormat,
  FileTransferOptions,
  ImportReport,
  ImportTarget,
  TransferItem,
  TransferOptions,
  TransferReport,
} from '@securestore/migrate';
export type { HealthConfig } from './options/health.ts';
export { auditLines, fileSink, functionSink, streamSink } from '@securestore/audit/lazy';
export { verifyLog } from './store/verify-log.ts';
export type {
  AuditEvent,
  AuditFinding,
  AuditReport,
  AuditState,
  AuditStatus,
  AuditTrail,
  EnableAuditOptions,
  RecorderOptions,
  Sink,
  SinkAlert,
  SinkOptions,
  SinkStats,
  TailCut,
  TrailEntry,
  VerifyTrailOptions,
} from '@securestore/audit';
export { compareVersions, exitCodeOf, SecureStoreError } from '@securestore/core-format';
export type { ErrorCode, ErrorDetails, StoreKey } from '@securestore/core-format';
export {
  generateIdentity,
  generateRecoveryCode,
  generateShares,
  identity,
  keyWrapper,
  passphrase,
  rawKey,
  recipientOf,
  recoveryCode,
  shares,
} from '@securestore/crypto';
export type {
  KeyWrapper,
  KeyWrapperMethod,
  KeyWrapperOptions,
  UnlockSecretMethod,
  UnlockSecretSource,
  ShareScheme,
  UnlockMethod,
  WrapContext,
  WrapOptions,
} from '@securestore/crypto';
export type * from '@securestore/objects';
export { findConfig, loadConfig } from './options/config.ts';
export type { StoreConfig } from './options/config.ts';
export type { Discovery } from './options/discovery.ts';
export { cancelMigration, replicateBack, migrateStore, failBack, finalizeMigration } from './store/migration.ts';
export type { MigrateOptions, MigrationOpenOptions, FailBackOptions, FailBackReport } from './store/migration.ts';
export type {
  CancelledMigration,
  MigrationFailure,
  ReplicateBackReport,
  MigrationPhase,
  MigrationReport,
  FailBackInfo,
  ReencryptSettings,
} from '@securestore/migrate';
export { fileAnchor, stateFolder } from './files/file-anchor.ts';
export { generateIdentityFile, identityFile } from './files/identity-file.ts';
export { formatInvitation, parseInvitation } from './files/invitation.ts';
export type { Invitation } from './files/invitation.ts';
export { generateKeyFile, keyFile } from './files/key-file.ts';
export { formatRecoveryKit, readRecoveryKit } from './files/recovery-kit.ts';
export type { ReadRecoveryKit, RecoveryKit } from './files/recovery-kit.ts';
export { createStore, openStore } from './store/open.ts';
export type { SecureStore, SessionOptions } from './store/open.ts';
export type { BackendOptions, CreateOptions, OpenOptions } from './options/options.ts';
export { resetClock, storeClock } from './store/store-clock.ts';
export type { StoreClock, StoreClockOptions } from './store/store-clock.ts';
export type { ServedOptions } from './store/remote.ts';
export type { RemoteCredentials, RemoteStore, RemoteTls } from '@securestore/protocol';
