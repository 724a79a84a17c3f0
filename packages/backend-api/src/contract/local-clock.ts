import { SecureStoreError } from '@securestore/core-format';
import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';

/** Clocks further apart than this, in milliseconds, would order versions wrongly: writes are refused. */
export const MAX_CLOCK_DIFFERENCE: number = 10 * 60 * 1000;

/**
 * A clock that is ahead moves by a millisecond this often at most, in milliseconds: a hundredth of the speed of time, which therefore
 * catches up with it.
 */
const STEP_EVERY = 100;

/** What a {@link LocalClock} goes by. */
export interface LocalClockSettings {
  /** The wall clock in milliseconds since 1970; by default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * The time by another clock, in milliseconds since 1970, such as {@link fileSystemTime}; `undefined` if that can't be told. It is
   * asked only when the time seems to have jumped.
   */
  readonly witness: () => number | undefined;
  /** A clock in milliseconds that never runs backwards; by default `performance.now`. */
  readonly monotonic?: (() => number) | undefined;
}

/**
 * The clock of a backend that has none of its own: that of this machine, and a record of the latest time that was written. The
 * record may be ahead, if a clock was set back. It then moves by the smallest step, so that cuts can be made, until the time has caught up.
 */
export class LocalClock {
  readonly #now: () => number;
  readonly #witness: () => number | undefined;
  readonly #monotonic: () => number;
  #stepped = -Infinity;
  /** By how much the wall clock was found to be ahead, and what the clocks said then. */
  #wrong: { readonly ahead: number; readonly now: number; readonly monotonic: number } | undefined;

  constructor({ now = Date.now, witness, monotonic = () => performance.now() }: LocalClockSettings) {
    this.#now = now;
    this.#witness = witness;
    this.#monotonic = monotonic;
  }

  /** The time in whole milliseconds since 1970: by the wall clock, less that by which it was found to be ahead. */
  now(): number {
    const now = Math.floor(this.#now());
    if (this.#wrong === undefined) return now;
    const { ahead, now: before, monotonic } = this.#wrong;
    // The clock may have been set since.
    const isAsBefore = Math.abs(now - before - (this.#monotonic() - monotonic)) < MAX_CLOCK_DIFFERENCE / 2;
    return isAsBefore ? now - ahead : now;
  }

  /**
   * The time to mark a write with.
   *
   * @param last - the latest time that was written, which is 0 in a new store. The caller keeps other processes from writing meanwhile
   * @throws SecureStoreError `UNAVAILABLE` if this process is so far ahead of all that is known of the time that its clock must be wrong
   */
  next(last: number): number {
    const now = Math.floor(this.#now());
    if (now < last) return this.#mayStep() ? last + 1 : last;
    if (now - last > MAX_CLOCK_DIFFERENCE) this.#checkJump(now, last);
    this.#wrong = undefined;
    return now;
  }

  /** Several processes may step side by side, so each does so far more slowly than time passes. */
  #mayStep(): boolean {
    const now = this.#monotonic();
    if (now - this.#stepped < STEP_EVERY) return false;
    this.#stepped = now;
    return true;
  }

  /** Either nothing was written for a month, or this clock is a month ahead: only another clock can tell. */
  #checkJump(now: number, last: number): void {
    const witness = this.#witness();
    const ahead = now - Math.max(witness ?? now, last);
    if (ahead <= MAX_CLOCK_DIFFERENCE) return;
    this.#wrong = { ahead, now, monotonic: this.#monotonic() };
    throw new SecureStoreError(
      'UNAVAILABLE',
      `the clock of this process is ${Math.round(ahead / 1000)} s ahead of the file system's. Nothing was changed.`,
      { retryable: false, advice: [{ id: 'set-clock' }] },
    );
  }
}

/**
 * What time it is by the file system, in milliseconds since 1970: the kernel's clock, or that of the file server. `undefined` if no file can
 * be made to see it by.
 *
 * @param path - of a file that is made for this and removed again. The caller keeps others from doing the same
 */
export function fileSystemTime(path: string): number | undefined {
  try {
    // An interrupted call may have left one, and what others put there must not be followed.
    rmSync(path, { force: true });
    const descriptor = openSync(path, 'wx', 0o600);
    try {
      return fstatSync(descriptor).mtimeMs;
    } finally {
      closeSync(descriptor);
      rmSync(path, { force: true });
    }
  } catch {
    return undefined;
  }
}
