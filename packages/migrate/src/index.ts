export { type ByteSource, type Random, writeFileAtomically } from './folder/atomic-file.ts';
export { forEachConcurrently } from './folder/concurrency.ts';
export { exportFile } from './folder/export-file.ts';
export { exportFolder } from './folder/export-folder.ts';
export type { ExportFolderOptions } from './folder/export-folder.ts';
export { fileFormatOf } from './folder/file-format.ts';
export type { FileFormat, FileTransferOptions } from './folder/file-format.ts';
export { importFile } from './folder/import-file.ts';
export { importFolder } from './folder/import-folder.ts';
export { isNotGranted } from './folder/not-granted.ts';
export { objectsBelow } from './folder/objects-below.ts';
export type { NamedObject } from './folder/objects-below.ts';
export { ownFiles } from './folder/own-files.ts';
export { endsAll } from './folder/transfer.ts';
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
