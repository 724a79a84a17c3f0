/**
 * The backups of an open store, without what their calls do: the first call of each kind loads that. For programs that may never make a
 * backup; everything else is in the entry `.`, which loads it at once.
 */
export { backupJobId } from './api/backup-job.ts';
export { Backups } from './api/backups.ts';
export { Schedules } from './api/schedules.ts';
export { RecoveryPoints } from './recovery/recovery-points.ts';
export { readReceipt, readRestoreReceipt } from './restore/receipts.ts';
export { deadManPing, webhook } from './schedule/alerts/http.ts';
export { execHook } from './schedule/alerts/program.ts';
export { execRunHook } from './schedule/run-hooks.ts';
