import { createHash } from 'node:crypto';
import { Jobs } from '../../src/index.ts';
import { FakeClock } from './clock.ts';
import { Connection, TestStorage } from './storage.ts';

/** Bytes that differ each time, and are the same in each run of a test. */
function testRandom(): (length: number) => Uint8Array {
  let calls = 0;
  return (length) => createHash('shake256', { outputLength: length }).update(String(++calls)).digest();
}

export interface Process {
  readonly jobs: Jobs;
  readonly connection: Connection;
}

export interface World {
  readonly clock: FakeClock;
  readonly storage: TestStorage;
  /** Another process over the same storage. */
  readonly process: () => Process;
}

/** @param tellsTime whether the backend tells its time */
export function createWorld(tellsTime = true): World {
  const clock = new FakeClock();
  const storage = new TestStorage(clock, tellsTime);
  const random = testRandom();
  return {
    clock,
    storage,
    process() {
      const connection = new Connection(storage);
      return { jobs: new Jobs({ storage: connection, clock, random }), connection };
    },
  };
}
