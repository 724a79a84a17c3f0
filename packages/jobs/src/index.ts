export { elapsedSince, instant, systemClock } from './clock.ts';
export type { Clock, Instant, SleepOptions } from './clock.ts';
export { Jobs } from './jobs.ts';
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
