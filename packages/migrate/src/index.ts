export * from './lazy.ts';
export { type ByteSource, type Random } from './folder/atomic-file.ts';
export type { ExportFolderOptions } from './folder/export-folder.ts';
export type { FileFormat, FileTransferOptions } from './folder/file-format.ts';
export type { NamedObject } from './folder/objects-below.ts';
export type {
  ExportReport,
  ExportSource,
  FailedItem,
  ImportReport,
  ImportTarget,
  TransferItem,
  TransferOptions,
  TransferReport,
} from './folder/types.ts';
export { MIGRATION_JOB } from '@securestore/objects/internal';
export type { ReplicateBackReport } from './online/keep.ts';
export type { CancelledMigration, MigrateStoreOptions, FailBackInfo } from './online/migration.ts';
export {
  migrationRunning,
  cancelMigration,
  replicateStoreBack,
  migrateObjectStore,
  failBackStore,
  finalizeStoreMigration,
} from './online/migration.ts';
export type {
  MigrationFailure,
  MigrationPhase,
  MigrationReport,
  MigrationTarget,
  CopyStoreOptions,
} from './online/types.ts';
export type { ReencryptSettings } from './online/reseal-settings.ts';
export type { FormatStep, StepContext, UpgradeReport } from './upgrade/upgrade.ts';
export { upgradeFormat } from './upgrade/upgrade.ts';
