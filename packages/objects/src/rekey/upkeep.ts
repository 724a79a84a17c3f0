import { SecureStoreError } from '@securestore/core-format';
import type { Job } from '@securestore/jobs';
import { elapsedSince, instant } from '@securestore/jobs';
import type { Engine } from '../engine.ts';
import type { StoreState } from '../state.ts';
import type { Logger } from '../types.ts';
import { finishDestruction } from './keys.ts';

/** How long after opening the keys are looked at first, and how often then, in milliseconds. */
const FIRST_AFTER: number = 5 * 60 * 1000;
const EVERY: number = 60 * 60 * 1000;
const DAY: number = 24 * 60 * 60 * 1000;

/** Whether a key that seals new objects is older than the store says. @param now milliseconds since 1970 */
function isRotationDue({ head, keys }: StoreState, now: number): boolean {
  if (head.rotationDays === 0) return false;
  const oldest = now - head.rotationDays * DAY;
  return keys.versions.some(
    ({ kind, state, destroyAt, created }) =>
      kind === 'category' && state === 'primary' && destroyAt === 0 && created <= oldest,
  );
}

/** Makes new keys where `isDue` says so of the newest head. */
export type StartRotation = (isDue: (state: StoreState) => boolean) => Job<unknown>;

async function lookAfter(engine: Engine, start: StartRotation, signal: AbortSignal): Promise<void> {
  await finishDestruction(engine, { signal });
  const isDue = (state: StoreState): boolean => isRotationDue(state, engine.clock.now());
  if (isDue(engine.watcher.state)) await start(isDue);
}

/**
 * Looks after the keys of a store that stays open: makes new ones when they are old, and destroys what was scheduled to
 * be. Never keeps a process alive, and ends when `signal` aborts.
 */
export async function keepKeys(
  engine: Engine,
  start: StartRotation,
  signal: AbortSignal,
  logger: Logger | undefined,
): Promise<void> {
  for (let wait = FIRST_AFTER; ; wait = EVERY) {
    const begun = instant(engine.clock);
    try {
      await engine.clock.sleep(wait, signal, { ref: false });
    } catch {
      return;
    }
    // A clock of a test may not sleep at all: nothing gets old on it, and this must not go round and round.
    if (elapsedSince(begun, engine.clock) < wait / 2) return;
    try {
      await lookAfter(engine, start, signal);
    } catch (error) {
      if (signal.aborted) return;
      // Another process does it, or does it the next time.
      if (SecureStoreError.is(error, 'LOCKED')) continue;
      const code = SecureStoreError.is(error) ? error.code : 'INTERNAL';
      logger?.warn({ code }, 'the keys of the store could not be looked after; it is tried again in an hour');
    }
  }
}
