import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/index.ts';

interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  wall: number = Date.UTC(2026, 0, 1);
  up = 1_000_000;
  #sleepers: Sleeper[] = [];

  now(): number {
    return this.wall;
  }

  uptime(): number {
    return this.up;
  }

  /** Sleeps by the uptime, until the test has let enough of it pass. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper = { until: this.up + milliseconds, wake };
      this.#sleepers.push(sleeper);
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** Lets time pass by both clocks, in milliseconds. */
  advance(milliseconds: number): void {
    this.wall += milliseconds;
    this.up += milliseconds;
    const due = this.#sleepers.filter(({ until }) => until <= this.up);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.up);
    for (const { wake } of due.toSorted((a, b) => a.until - b.until)) wake();
  }

  /** Lets time pass step by step, each time until nothing happens any more. In milliseconds. */
  async pass(milliseconds: number, step = 250): Promise<void> {
    await setImmediate();
    for (let left = milliseconds; left > 0; left -= step) {
      this.advance(Math.min(step, left));
      await setImmediate();
    }
  }
}
