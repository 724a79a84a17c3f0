import type { Sleep } from '../../src/index.ts';

/** Time that moves only when a test says so. */
export interface FakeTime {
  readonly sleep: Sleep;
  /** The lengths of all sleeps so far. */
  readonly slept: readonly number[];
  /** How many sleeps have neither ended nor been aborted. */
  sleeping(): number;
  /** Moves on by some milliseconds, wakes whoever is due, and lets what follows from it happen. */
  advance(milliseconds: number): Promise<void>;
}

export function createFakeTime(): FakeTime {
  const sleepers = new Set<{ due: number; wake: () => void }>();
  const slept: number[] = [];
  let now = 0;
  return {
    slept,
    sleep: async (milliseconds, signal) => {
      slept.push(milliseconds);
      return new Promise((resolve, reject) => {
        const sleeper = { due: now + milliseconds, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      });
    },
    sleeping: () => sleepers.size,
    advance: async (milliseconds) => {
      now += milliseconds;
      for (const sleeper of sleepers) {
        if (sleeper.due > now) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
      await settle();
    },
  };
}

/** A sleep that takes no time, for tests that only care what happens in which order. */
export const noSleep: Sleep = async () => undefined;

/** Lets everything happen that waits for no time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
