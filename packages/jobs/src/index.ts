export { elapsedSince, instant, systemClock } from './clock.ts';
export type { Clock, Instant, SleepOptions } from './clock.ts';
export { Jobs } from './jobs.ts';
export type {
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
} from './types.ts';
