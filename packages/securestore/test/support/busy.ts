import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecureStore } from '../../src/index.ts';

/** So many versions an object gets: the next write is to another one. */
const VERSIONS = 12;
/** One write in so many is of a payload beside its record. */
const LARGE_EVERY = 9;

const digestOf = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** A write that was acknowledged. */
export interface Acknowledged {
  readonly key: string;
  readonly version: string;
  readonly digest: string;
  /** When it began, and how long it took, in milliseconds. */
  readonly began: number;
  readonly took: number;
}

/** Somebody who writes and reads all the time, and remembers what was acknowledged. */
export interface Busy {
  /** Ends it. @throws what a call has failed of: none is to fail */
  readonly stop: () => Promise<readonly Acknowledged[]>;
}

/** How somebody goes on. */
export interface BusyOptions {
  /** After each write, in milliseconds: a store that is written faster than where it moves to takes never gets there. */
  readonly pause?: number;
  readonly onWritten?: (write: Acknowledged) => void;
}

/** @param prefix of the names that nobody else writes */
export function busy(
  store: SecureStore,
  prefix: string,
  { pause = 1000, onWritten = () => undefined }: BusyOptions = {},
): Busy {
  const written: Acknowledged[] = [];
  const ending = new AbortController();
  const run = async (): Promise<void> => {
    for (let n = 0; !ending.signal.aborted; n++) {
      const key = `${prefix}/${String(Math.floor(n / VERSIONS)).padStart(5, '0')}`;
      const data = Buffer.concat([Buffer.from(`${prefix} ${n} `), randomBytes(n % LARGE_EVERY === 0 ? 120_000 : 20)]);
      const began = Date.now();
      const start = performance.now();
      const { version } = await store.store(key, data);
      const write = { key, version, digest: digestOf(data), began, took: performance.now() - start };
      written.push(write);
      onWritten(write);
      assert.equal(digestOf((await store.retrieve(key)).data), write.digest, `${key} is not what was written last`);
      await sleep(pause);
    }
  };
  const running = run();
  running.catch(() => undefined);
  return {
    async stop() {
      ending.abort();
      await running;
      return written;
    },
  };
}

/**
 * Checks that of every write that was acknowledged there is one version, and of nothing else.
 *
 * @param most how many writes may be there that nobody was told of, since whoever made them died
 * @returns how many there are of those
 */
export async function checkBusy(store: SecureStore, written: readonly Acknowledged[], most: number): Promise<number> {
  const byKey = Map.groupBy(written, ({ key }) => key);
  let untold = 0;
  for (const [key, writes] of byKey) {
    const versions = await store.history(key);
    const told = new Map(writes.map(({ version, digest }) => [version, digest]));
    const seen = new Set<string>();
    for (const [at, { version }] of versions.entries()) {
      const digest = digestOf((await store.retrieve(key, at === 0 ? {} : { version })).data);
      assert.ok(!seen.has(digest), `${key}: one write is there twice`);
      seen.add(digest);
      if (told.get(version) === undefined) untold += 1;
      else assert.equal(digest, told.get(version), `${key}: another payload`);
    }
    const missing = writes.filter(({ digest }) => !seen.has(digest));
    assert.deepEqual(missing, [], `${key}: lost what was acknowledged`);
  }
  assert.ok(untold <= most, `${untold} writes that nobody was told of`);
  return untold;
}
