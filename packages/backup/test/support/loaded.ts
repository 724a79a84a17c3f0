/**
 * Loads the modules that the package loads with the first call that needs them. A busy machine takes seconds for them, in which hours
 * would pass on a clock that never waits.
 */
export const loaded: Promise<unknown> = Promise.all([
  import('../../src/api/backup-work.ts'),
  import('../../src/api/schedule-work.ts'),
  import('../../src/continuous/points-work.ts'),
  import('../../src/recovery/recovery-reader.ts'),
  import('../../src/restore/restore-work.ts'),
  import('../../src/snapshot/snapshot.ts'),
  import('../../src/trust/destination-work.ts'),
  import('../../src/trust/mend-keys.ts'),
]);
