export { elapsedSince, instant, systemClock } from './state/clock.ts';
export type { Clock, Instant, SleepOptions } from './state/clock.ts';
export { Jobs } from './jobs.ts';
export { isUndecided } from './state/answers.ts';
export { isCount, isObject } from './state/json.ts';
export { lockedBy } from './run/lease.ts';
export { ClaimWatch, LAPSES_AFTER, SharedState } from './state/shared-state.ts';
export type { Claim, Found, StateKind, StateStorage } from './state/shared-state.ts';
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
} from './state/types.ts';
