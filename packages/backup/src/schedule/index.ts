export { runDueSchedules, runScheduleNow, runSchedules } from './runner.ts';
export type { RunHooks, RunnerOptions, RunReport, ScheduledRun } from './runner.ts';
export type { FinishedRun, RunEnd, RunFindings } from './run.ts';
export { checkSchedule, nextRun, noSchedule } from './schedule.ts';
export type { Occurrence, Schedule } from './schedule.ts';
export { overdue, readScheduleStatus } from './state.ts';
export type { RunClaim, RunOutcome, ScheduleState, ScheduleStatus } from './state.ts';
