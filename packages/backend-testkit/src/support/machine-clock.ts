import type { StorageBackend } from '@securestore/backend-api';
import { mustRead, utf8 } from './checks.ts';
import type { BackendFixture } from './types.ts';

/** How far the clock is set back or forth, in milliseconds: less than what providers allow a signed request to be off. */
export const CLOCK_JUMP: number = 5 * 60_000;

/** The `Date` of this process, as long as it can be set. */
export interface MachineClock {
  /** From now on it is `milliseconds` ahead of the real time, or behind it where they are negative. */
  set(milliseconds: number): void;
}

/**
 * Runs `task` with a `Date` that can be set, and puts the real one in its place again. Who has taken hold of `Date.now`
 * before goes by the real time, so backends are to be opened by `task`.
 */
export async function withMachineClock<T>(task: (clock: MachineClock) => Promise<T>): Promise<T> {
  const real = globalThis.Date;
  let ahead = 0;
  const now = (): number => real.now() + ahead;
  globalThis.Date = new Proxy(real, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
    get: (target, property, receiver): unknown => (property === 'now' ? now : Reflect.get(target, property, receiver)),
  });
  try {
    return await task({ set: (milliseconds) => (ahead = milliseconds) });
  } finally {
    globalThis.Date = real;
  }
}

/**
 * Whether a backend marks what it writes by the `Date` of this process, and not by a clock that nobody here can set. The
 * clock is set forth for that, which also those follow that never go back.
 *
 * @param fixture - one that nothing was opened on, so that nothing has taken hold of the real clock
 */
export async function goesByMachineClock(fixture: BackendFixture): Promise<boolean> {
  let backend: StorageBackend | undefined;
  try {
    return await withMachineClock(async (clock) => {
      const before = Date.now();
      clock.set(CLOCK_JUMP);
      backend = await fixture.open();
      await backend.write('clock', utf8('x'));
      const { modified } = await mustRead(backend, 'clock');
      return modified - before > CLOCK_JUMP / 2;
    });
  } catch {
    // The tests will say what is wrong with it.
    return false;
  } finally {
    await backend?.close().catch(() => undefined);
  }
}
