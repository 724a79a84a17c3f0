import type { Clock, SleepOptions } from '@securestore/jobs';

interface Sleeper {
  readonly until: number;
  readonly background: boolean;
  readonly wake: () => void;
}

/** How often everything else gets its turn before time passes. */
const TURNS = 8;

/**
 * A clock on which time passes only while somebody sleeps: when everything else has had its turn, it goes on to the
 * moment when the first sleeper wakes. Who sleeps in the background is woken by time that passes for others.
 */
export class EagerClock implements Clock {
  #now: number;
  /** Those on which somebody sleeps. */
  static readonly #running = new Set<EagerClock>();
  /** Counts what has begun: tests, as {@link EagerClock.beginTest} is told. */
  static #tests = 0;
  readonly #test = EagerClock.#tests;
  #sleepers: Sleeper[] = [];
  #pumping = false;
  #isStopped = false;
  /** How much is under way outside of the event loop. */
  #held = 0;

  /**
   * Stops all clocks for good. What goes on when a test has ended, such as a store that nobody has closed, would keep the
   * process busy otherwise, since it never waits.
   */
  static stopAll(): void {
    for (const clock of EagerClock.#running) clock.#stop();
  }

  /** The clocks that are made from here on belong to a test. */
  static beginTest(): void {
    EagerClock.#tests += 1;
  }

  /** As {@link EagerClock.stopAll}, of the clocks that were made since the last {@link EagerClock.beginTest}. */
  static endTest(): void {
    for (const clock of EagerClock.#running) if (clock.#test === EagerClock.#tests) clock.#stop();
    EagerClock.#tests += 1;
  }

  #stop(): void {
    this.#isStopped = true;
    this.#sleepers = [];
  }

  /** @param start milliseconds since 1970 */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  uptime(): number {
    return this.#now - Date.UTC(2025, 11, 1);
  }

  sleep(milliseconds: number, signal?: AbortSignal, { ref = true }: SleepOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper = { until: this.#now + milliseconds, background: !ref, wake };
      this.#sleepers.push(sleeper);
      if (signal?.aborted === true) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#pump();
    });
  }

  /** Does something outside of the event loop, such as work on files: no time passes meanwhile, however long it takes. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#held += 1;
    try {
      return await work();
    } finally {
      this.#held -= 1;
    }
  }

  /** Lets time pass, in milliseconds. */
  advance(milliseconds: number): void {
    this.#now += milliseconds;
    const due = this.#sleepers.filter(({ until }) => until <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#now);
    for (const { wake } of due.toSorted((a, b) => a.until - b.until)) wake();
  }

  #pump(): void {
    if (this.#pumping || this.#isStopped) return;
    this.#pumping = true;
    EagerClock.#running.add(this);
    let turns = 0;
    const turn = (): void => {
      const first = Math.min(...this.#sleepers.filter(({ background }) => !background).map(({ until }) => until));
      this.#pumping = Number.isFinite(first);
      if (!this.#pumping) {
        EagerClock.#running.delete(this);
        return;
      }
      if (this.#held > 0) {
        turns = 0;
        setTimeout(turn, 1);
        return;
      }
      turns += 1;
      if (turns % TURNS === 0) this.advance(Math.max(0, first - this.#now));
      setImmediate(turn);
    };
    setImmediate(turn);
  }
}

/** A clock by which nothing happens any more in a process once it was killed: what is left of it would sleep and wake for ever. */
export function mortal(clock: Clock, { killed }: { readonly killed: Promise<unknown> }): Clock {
  let isDead = false;
  void killed.then(() => (isDead = true));
  return {
    now: () => clock.now(),
    uptime: () => clock.uptime(),
    async sleep(...asked) {
      await clock.sleep(...asked);
      if (isDead) await new Promise(() => {});
    },
  };
}
