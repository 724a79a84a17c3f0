export type { KeptReport } from './online/keep.ts';
export type { MigrationTarget, MoveStoreOptions } from './online/migration.ts';
export { cancelMigration, keepInLine, MIGRATION_JOB, moveStore, retireOldSide } from './online/migration.ts';
export type { FailedMove, MigrationPhase, MigrationReport, MoveOptions } from './online/types.ts';
export type { ResealSettings } from './online/reseal.ts';
