import { randomInt } from 'node:crypto';
import type { StorageBackend } from '@securestore/backend-api';
import { aborting } from './concerns/aborting.ts';
import { batches } from './concerns/batches.ts';
import { bodies } from './concerns/bodies.ts';
import { clock } from './concerns/clock.ts';
import { conditions } from './concerns/conditions.ts';
import { keys } from './concerns/keys.ts';
import { lifecycle } from './concerns/lifecycle.ts';
import { listing } from './concerns/listing.ts';
import { missingKeys } from './concerns/missing-keys.ts';
import { model } from './concerns/model.ts';
import { races } from './concerns/races.ts';
import { ranges } from './concerns/ranges.ts';
import { goesByMachineClock } from './support/machine-clock.ts';
import type { BackendFixture, Concern, ConformanceOptions, ConformanceTest, Subject } from './support/types.ts';

/** Every promise of the backend contract, by concern. */
export const CONCERNS: readonly Concern[] = [
  lifecycle,
  missingKeys,
  bodies,
  ranges,
  conditions,
  races,
  listing,
  keys,
  clock,
  batches,
  aborting,
  model,
];

/** Opens a fixture to learn what the backend declares, and another to learn whose clock it goes by. */
export async function inspect(options: ConformanceOptions): Promise<Subject> {
  const fixture = await options.createFixture();
  const backend = await fixture.open();
  const capabilities = { ...backend.capabilities };
  const isLocal = backend.localPath?.() !== undefined;
  await backend.close();
  await fixture.dispose?.();
  const another = await options.createFixture();
  const canSetClock = await goesByMachineClock(another);
  await another.dispose?.();
  return { capabilities, canBreakStorage: fixture.breakStorage !== undefined, isLocal, canSetClock };
}

/** `run`, a reason for a skip, or `undefined` where a test has no meaning for this backend. */
export function decide(test: ConformanceTest, subject: Subject): 'run' | { readonly skip: string } | undefined {
  if (test.without !== undefined && subject.capabilities[test.without]) return undefined;
  if (test.needs !== undefined && !subject.capabilities[test.needs]) return { skip: `${test.needs} is absent` };
  const skip = test.skip?.(subject);
  return skip === undefined ? 'run' : { skip };
}

/** Runs one test on a store URL of its own, and leaves nothing open. */
export async function runTest(test: ConformanceTest, options: ConformanceOptions, seed: number): Promise<void> {
  const fixtures: BackendFixture[] = [];
  const handles: StorageBackend[] = [];
  const make = async (): Promise<BackendFixture> => {
    const fixture = await options.createFixture();
    fixtures.push(fixture);
    return fixture;
  };
  const opener = (fixture: BackendFixture) => async (): Promise<StorageBackend> => {
    const handle = await fixture.open();
    handles.push(handle);
    return handle;
  };
  try {
    const fixture = await make();
    const open = opener(fixture);
    const backend = await open();
    const { capabilities } = backend;
    await test.run({
      backend,
      capabilities,
      seed,
      operations: options.operations ?? 1000,
      open,
      elsewhere: async () => opener(await make()),
      breakStorage: async () => fixture.breakStorage?.(),
    });
  } finally {
    // A handle whose storage was broken may fail to close; the test has said what there is to say.
    await Promise.allSettled(handles.map(async (handle) => handle.close()));
    for (const fixture of fixtures) await fixture.dispose?.();
  }
}

/** The seed of this run: the one of the options, of the environment, or a fresh one. */
export function chooseSeed(options: ConformanceOptions): number {
  const given = options.seed ?? (process.env['SECURESTORE_TESTKIT_SEED'] || undefined);
  if (given === undefined) return randomInt(2 ** 32);
  const seed = Number(given);
  if (Number.isSafeInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw new RangeError(`the seed is a whole number from 0 to 4294967295, not ${String(given)}`);
}
