import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@securestore/jobs';

/**
 * A clock on which whoever sleeps is woken as soon as others have had their turn, with the time that they wanted to sleep
 * gone by. For one process: those of several would run ahead of each other.
 */
export class EagerClock implements Clock {
  /** Near the machine's, as backends that tell the time compare it with theirs. */
  time: number = Date.now();

  now(): number {
    return this.time;
  }

  uptime(): number {
    return this.time;
  }

  advance(milliseconds: number): void {
    this.time += milliseconds;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    // What is written every few seconds beside the work must not make time run on its own.
    const until = this.time + milliseconds;
    for (let turns = 0; turns < 20 && this.time < until; turns++) {
      await setImmediate();
      if (signal?.aborted === true) throw signal.reason;
    }
    this.time = Math.max(this.time, until);
  }
}
