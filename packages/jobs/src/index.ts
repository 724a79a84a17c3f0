export { elapsedSince, instant, systemClock } from './clock.ts';
export type { Clock, Instant, SleepOptions } from './clock.ts';
export { Jobs } from './jobs.ts';
export { isUndecided } from './answers.ts';
export { isCount, isObject } from './json.ts';
export { lockedBy } from './lease.ts';
export { ClaimWatch, LAPSES_AFTER, SharedState } from './shared-state.ts';
export type { Claim, Found, StateKind, StateStorage } from './shared-state.ts';
export { startVolatile } from './volatile.ts';
export type {
  DamagedJob,
  Job,
  JobContext,
  JobKind,
  JobProgress,
  JobsOptions,
  JobStorage,
  JobSummary,
  ProgressUpdate,
  ResumeOptions,
  StartOptions,
  StoredState,
  UnfinishedJob,
} from './types.ts';
