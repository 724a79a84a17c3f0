import type { CallOptions } from '@securestore/objects';
import type { RunHookOptions } from '../schedule/run-hooks.ts';
import type { RunReport, ScheduleState } from '../schedule/index.ts';
import type { BackupTask, ScheduleSettings } from '../schedule/schedule-list.ts';
import type { AlertSink, Condition, WatchFacts, WatchThresholds } from '../schedule/alerts/index.ts';

/** A schedule and its state. */
export interface ScheduleInfo extends ScheduleSettings {
  /** When it is due next; absent if it is paused. */
  readonly next?: Date;
  readonly last?: ScheduleState['last'];
  /** Runs that have failed since the last that succeeded. */
  readonly failures: number;
  /** A run was due then, and has not begun. */
  readonly overdueSince?: Date;
}

export interface RunSchedulesOptions extends RunHookOptions {
  /** Runs what is due now, and returns. */
  readonly once?: boolean | undefined;
  /** The name of this process in the state that others read; by default its process id. */
  readonly name?: string | undefined;
  /** The sinks that alerts are sent to. */
  readonly sinks?: readonly AlertSink[] | undefined;
  readonly thresholds?: WatchThresholds | undefined;
  /** Called after every run. */
  readonly onRun?: ((report: RunReport<BackupTask>) => Promise<void> | void) | undefined;
  /** Called with what went wrong, except in the runs themselves. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How the destinations are checked. */
export interface ConditionsOptions extends CallOptions {
  readonly thresholds?: WatchThresholds | undefined;
  /** How long the check of one destination may take, in milliseconds: one that has not answered by then can't be reached. Default `timeout` alone. */
  readonly within?: number | undefined;
}

/** The conditions of a destination that need attention. */
export interface DestinationConditions {
  readonly destination: string;
  /** The id of the destination; empty for one that is not registered, and which schedules have. */
  readonly id: string;
  readonly conditions: readonly Condition[];
  readonly facts: WatchFacts;
}
