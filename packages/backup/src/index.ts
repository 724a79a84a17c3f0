export { findDestination } from './destination.ts';
export { infoOf, openBackup, OpenedBackup } from './opened-backup.ts';
export type { BackupSettings, PointChoice, SnapshotInfo } from './opened-backup.ts';
export { restoreStoreTo } from './restore-store.ts';
export type { RestoreReport, RestoreStoreOptions } from './restore-store.ts';
export { makeSnapshot } from './snapshot.ts';
export type { SnapshotOptions, SnapshotReport } from './snapshot.ts';
