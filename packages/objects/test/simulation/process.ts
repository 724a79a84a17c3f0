import type { RandomSource } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import type { Dice } from './dice.ts';
import type { Scheduler } from './scheduler.ts';

/** When every schedule begins, in milliseconds since 1970 by the backend's clock. */
export const EPOCH: number = Date.UTC(2026, 0, 1);

/** How the clocks of a process differ from the backend's. */
export interface ClockErrors {
  /** What the wall clock is ahead, in milliseconds. */
  readonly skew: number;
  /** How much faster than true time both clocks run: 0.0001 is 8.6 s a day. */
  readonly drift: number;
}

const MINUTE = 60_000;

/** Most clocks are right to within minutes, some are not right at all. */
export function drawClock(dice: Dice): ClockErrors {
  const most = dice.pick([0, 1000, 9 * MINUTE, 9 * MINUTE, 60 * MINUTE]);
  return { skew: dice.between(-most, most), drift: dice.between(-0.0002, 0.0002) };
}

/**
 * A process on a machine of its own. Everything that reaches it, answers and timers, passes {@link enter}, so that it
 * does nothing while it is stopped.
 */
export class SimulatedProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly #scheduler: Scheduler;
  readonly #errors: ClockErrors;
  readonly #up: number;
  #held: (() => void)[] = [];
  #state: 'running' | 'stopped' | 'dead' = 'running';
  /** When the machine fell asleep. */
  #asleepSince: number | undefined;
  /** How long it has slept altogether. */
  #slept = 0;
  /** What the wall clock has been set forward by. */
  #set = 0;

  constructor(name: string, scheduler: Scheduler, dice: Dice, errors: ClockErrors) {
    this.name = name;
    this.#scheduler = scheduler;
    this.#errors = errors;
    this.#up = dice.between(1e5, 1e9);
    this.random = (count) => dice.bytes(count);
    this.clock = {
      now: () => Math.floor(EPOCH + this.#passed() + this.#errors.skew + this.#set),
      uptime: () => Math.floor(this.#up + this.#passed()),
      // What looks after a store by the hour has nothing to do in a schedule of minutes, and would never let it end.
      sleep: (milliseconds, signal, options) =>
        this.#sleep(options?.ref === false ? Number.POSITIVE_INFINITY : milliseconds, signal),
    };
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  /** What its wall clock is ahead of true time, in milliseconds. */
  get clockError(): number {
    return this.clock.now() - EPOCH - this.#scheduler.now;
  }

  /** Lets `task` happen in the process: now, when it goes on again, or never where it has died. */
  enter(task: () => void): void {
    if (this.#state === 'dead') return;
    if (this.#state === 'stopped') this.#held.push(task);
    else task();
  }

  /** Stops it for a time, or until {@link goOn}, as `SIGSTOP` does: its timers go on and are late. */
  pause(duration?: number): void {
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    if (duration !== undefined) this.#scheduler.after(duration, () => this.goOn());
  }

  /** The same of its machine: its timers stand still, its uptime and its wall clock don't. */
  suspend(duration?: number): void {
    if (this.#state !== 'running') return;
    this.#asleepSince = this.#scheduler.now;
    this.pause(duration);
  }

  kill(): void {
    this.#state = 'dead';
    this.#held = [];
  }

  /** Sets its wall clock forward, or back. */
  setClock(by: number): void {
    this.#set += by;
  }

  /** Ends a stop. */
  goOn(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'running';
    if (this.#asleepSince !== undefined) this.#slept += this.#scheduler.now - this.#asleepSince;
    this.#asleepSince = undefined;
    const held = this.#held;
    this.#held = [];
    for (const task of held) this.#scheduler.after(0, () => this.enter(task));
  }

  #passed(): number {
    return this.#scheduler.now * (1 + this.#errors.drift);
  }

  /** What timers run by, in true milliseconds. */
  #monotonic(): number {
    return (this.#asleepSince ?? this.#scheduler.now) - this.#slept;
  }

  #sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const due = this.#monotonic() + milliseconds / (1 + this.#errors.drift);
      let callOff: () => void;
      const abort = (): void => {
        callOff();
        reject(new DOMException('the sleep was aborted', 'AbortError'));
      };
      const wait = (): void => {
        const left = due - this.#monotonic();
        // The machine slept meanwhile; less than a microsecond is rounding.
        if (left > 0.001) callOff = this.#scheduler.after(left, () => this.enter(wait));
        else {
          signal?.removeEventListener('abort', abort);
          resolve();
        }
      };
      callOff = Number.isFinite(milliseconds)
        ? this.#scheduler.after(milliseconds / (1 + this.#errors.drift), () => this.enter(wait))
        : () => undefined;
      if (signal?.aborted === true) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }
}
