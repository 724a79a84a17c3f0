import { uptime } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

export interface SleepOptions {
  /** With `false`, a process that has nothing else to do ends without waiting for it. Default `true`. */
  readonly ref?: boolean | undefined;
}

/** Time as securestore sees it; tests pass their own. */
export interface Clock {
  /** Milliseconds since 1970. May be set back and forth by people and protocols. */
  now(): number;
  /** Milliseconds since the machine started, sleep included. */
  uptime(): number;
  /** Resolves after some milliseconds; rejects with an `AbortError` as soon as `signal` aborts. */
  sleep(milliseconds: number, signal?: AbortSignal, options?: SleepOptions): Promise<void>;
}

/** How far the wall clock may move, in milliseconds, before the uptime is read again. */
const SAMPLE_FOR = 10;

/** The machine's clocks. */
export function systemClock(): Clock {
  let sampledAt = Number.NaN;
  let sampled = 0;
  return {
    now: Date.now,
    uptime() {
      // Reading it takes some microseconds, so it is read again only when the wall clock has moved, which it does
      // when the machine has slept.
      const now = Date.now();
      if (!(Math.abs(now - sampledAt) < SAMPLE_FOR)) {
        sampled = uptime() * 1000;
        sampledAt = now;
      }
      return sampled;
    },
    sleep: async (milliseconds, signal, options) =>
      wait(milliseconds, undefined, { signal, ref: options?.ref ?? true }),
  };
}

/** A point in time by both clocks. */
export interface Instant {
  readonly now: number;
  readonly uptime: number;
}

export function instant(clock: Clock): Instant {
  return { now: clock.now(), uptime: clock.uptime() };
}

/**
 * Milliseconds since `start`: the larger of what the two clocks say. The wall clock may be set back; the monotonic
 * clock that Node offers stands still while the machine sleeps, so it isn't used at all.
 */
export function elapsedSince(start: Instant, clock: Clock): number {
  return Math.max(clock.now() - start.now, clock.uptime() - start.uptime);
}
