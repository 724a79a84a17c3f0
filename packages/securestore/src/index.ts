export {
  addPrincipal,
  disablePrincipal,
  grantRole,
  jwt,
  parseIdentity,
  removePrincipal,
  removeRole,
  revokeRole,
  setApprovals,
  setRole,
  templateRules,
} from '@securestore/acl';
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
  Identity,
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
} from './backups.ts';
export { hasBackup, listSnapshots, listWindows, readSnapshot, restoreStore, verifyBackup } from './backups.ts';
export { deadManPing, execHook, execRunHook, readReceipt, readRestoreReceipt, webhook } from '@securestore/backup';
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
  FollowOptions,
  ForgetReport,
  FoundName,
  HookedRun,
  KeyTimeline,
  Moment,
  MomentInfo,
  PointChoice,
  PointRetrieveOptions,
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
  SnapshotReport,
  Timeline,
  TimelineOptions,
  VersionThen,
} from '@securestore/backup';
export { unopened } from '@securestore/health';
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
export { exportFile, exportFolder, fileFormatOf, importFile, importFolder } from '@securestore/migrate';
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
export type { HealthConfig } from './health.ts';
export { auditLines, fileSink, functionSink, streamSink, verifyLog } from '@securestore/audit';
export type {
  AuditEvent,
  AuditProblem,
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
  SecretMethod,
  SecretSource,
  ShareScheme,
  UnlockMethod,
  WrapContext,
  WrapOptions,
} from '@securestore/crypto';
export type * from '@securestore/objects';
export { findConfig, loadConfig } from './config.ts';
export type { StoreConfig } from './config.ts';
export type { Discovery } from './discovery.ts';
export { cancelMigration, keepOldSide, migrateStore, reclaimStore, retireMigration } from './migration.ts';
export type { MigrateOptions, MigrationOpenOptions, ReclaimOptions, ReclaimReport } from './migration.ts';
export type {
  CancelledMigration,
  FailedMove,
  KeptReport,
  MigrationPhase,
  MigrationReport,
  ReclaimableStore,
  ResealSettings,
} from '@securestore/migrate';
export { fileAnchor, stateFolder } from './file-anchor.ts';
export { generateIdentityFile, identityFile } from './identity-file.ts';
export { formatInvitation, parseInvitation } from './invitation.ts';
export type { Invitation } from './invitation.ts';
export { generateKeyFile, keyFile } from './key-file.ts';
export { formatRecoveryKit, readRecoveryKit } from './recovery-kit.ts';
export type { ReadRecoveryKit, RecoveryKit } from './recovery-kit.ts';
export { createStore, openStore } from './open.ts';
export type { SecureStore, SessionOptions } from './open.ts';
export type { BackendOptions, CreateOptions, OpenOptions } from './options.ts';
export { resetClock, storeClock } from './store-clock.ts';
export type { StoreClock, StoreClockOptions } from './store-clock.ts';
export type { ServedOptions } from './remote.ts';
export type { RemoteCredentials, RemoteStore, RemoteTls } from '@securestore/protocol';
