import type { Clock } from '@securestore/jobs';

/** The share of the time that a pass may take, so that it ends in time where the last objects are the largest. */
const SHARE = 0.95;
/** Who is ahead by less than this, in milliseconds, goes on. */
const AHEAD = 1000;
/** How long is slept at once, in milliseconds. */
const NAP = 60_000;

/** When a pass began, how long it may take, and how many objects it has. */
export interface Pacing {
  readonly started: number;
  readonly within: number;
  readonly total: number;
}

/** When a pass that is spread over its time is to be done, in milliseconds since 1970. */
export function plannedEnd({ started, within }: Pick<Pacing, 'started' | 'within'>): number {
  return started + within * SHARE;
}

/** Waits until as much of the time has passed as of the objects are done. */
export async function pace(
  clock: Clock,
  { started, within, total }: Pacing,
  done: number,
  signal: AbortSignal,
): Promise<void> {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const due = started + within * SHARE * share;
  for (let ahead = due - clock.now(); ahead > AHEAD; ahead = due - clock.now()) {
    await clock.sleep(Math.min(ahead, NAP), signal);
  }
}
