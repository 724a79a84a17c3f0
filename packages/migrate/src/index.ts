export type { KeptReport } from './online/keep.ts';
export { keepOldSide } from './online/keep.ts';
export type { MigrationTarget } from './online/migration.ts';
export { MIGRATION_JOB, moveStore } from './online/migration.ts';
export type { FailedMove, MigrationPhase, MigrationReport, MoveOptions } from './online/types.ts';
