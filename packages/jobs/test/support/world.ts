import { createHash } from 'node:crypto';
import { Jobs } from '../../src/index.ts';
import { FakeClock } from './clock.ts';
import { TestStorage } from './storage.ts';

/** Bytes that differ each time, and are the same in each run of a test. */
export function testRandom(seed = 0): (length: number) => Uint8Array {
  let calls = 0;
  return (length) => createHash('shake256', { outputLength: length }).update(`${seed} ${++calls}`).digest();
}

export interface World {
  readonly clock: FakeClock;
  readonly storage: TestStorage;
  /** Another process over the same storage. */
  readonly process: () => Jobs;
}

export function createWorld(tellsTime = true): World {
  const clock = new FakeClock();
  const storage = new TestStorage(clock, tellsTime);
  const random = testRandom();
  return { clock, storage, process: () => new Jobs({ storage, clock, random }) };
}
