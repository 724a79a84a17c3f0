import { randomInt } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { rawKey, type SecureStore } from 'securestore';
import { bodies } from '../measure/bodies.ts';
import { costPair } from '../measure/cost.ts';
import { inFlight } from '../measure/measure.ts';
import type { Area, Comparison, Surroundings } from '../measure/model.ts';
import { loadOurs } from '../measure/ours.ts';

const SIZES: readonly number[] = [1000, 10_000, 100_000, 1_000_000];
/** The number of objects that even a quick run reaches. */
const LEAST = 10_000;
/** How many are stored at once to fill a store; `file:` makes as many files durable together. */
const FILLING = 64;
/** Operations of one sample, one at a time. */
const STORES = 200;
const RETRIEVES = 500;
const OPENS = 10;
/** The number of objects that change between two backups. */
const CHANGES = 100;

const body: () => Uint8Array = bodies();
const nameOf = (index: number): string => `team-${index % 50}/service/key-${index}`;

/** A store that grows. */
interface Growing {
  readonly scheme: string;
  readonly store: SecureStore;
  readonly open: () => Promise<SecureStore>;
}

/** Stores what is missing up to a number of objects. */
async function fill({ scheme, store }: Growing, from: number, to: number, { progress }: Surroundings): Promise<void> {
  const step = Math.ceil((to - from) / 10);
  for (let at = from; at < to; at += step) {
    const count = Math.min(step, to - at);
    await inFlight(count, FILLING, (index) => store.store(nameOf(at + index), body()));
    progress(`${scheme} has ${(at + count).toLocaleString('en')} of ${to.toLocaleString('en')} objects`);
  }
}

async function storeSome(store: SecureStore, count: number, times: number): Promise<void> {
  for (let at = 0; at < times; at++) await store.store(nameOf(randomInt(count)), body());
}

async function listAll(store: SecureStore, count: number): Promise<void> {
  let seen = 0;
  for await (const name of store.keys()) if (name !== '') seen += 1;
  if (seen !== count) throw new Error(`keys() gave ${seen} of ${count} names.`);
}

/** Every row of a store of one size. The cost of one thing is to stay the same, whatever the store holds; that of a backup may grow with it. */
function* rowsOf({ scheme, store, open }: Growing, count: number, destination: string): Generator<Comparison> {
  const retrieve = async (): Promise<void> => {
    for (let at = 0; at < RETRIEVES; at++) await store.retrieve(nameOf(randomInt(count)));
  };
  const openOften = async (): Promise<void> => {
    for (let at = 0; at < OPENS; at++) await (await open()).close();
  };
  const change = (): Promise<void> => storeSome(store, count, CHANGES);
  const backUp = async (): Promise<void> => void (await store.backup(destination));
  const same = { count, exponent: 0 } as const;
  yield* costPair({
    ...same,
    work: `${scheme} store an object`,
    times: STORES,
    run: () => storeSome(store, count, STORES),
  });
  yield* costPair({ ...same, work: `${scheme} retrieve an object`, times: RETRIEVES, run: retrieve });
  const histories = async (): Promise<void> => {
    for (let at = 0; at < RETRIEVES; at++) await store.history(nameOf(randomInt(count)));
  };
  yield* costPair({ ...same, work: `${scheme} history of an object`, times: RETRIEVES, run: histories });
  yield* costPair({ ...same, work: `${scheme} keys(), each name`, times: count, run: () => listAll(store, count) });
  yield* costPair({ ...same, work: `${scheme} open`, times: OPENS, run: openOften });
  // Each change rewrites the page of the index that it is in, until there are more pages than changes.
  const backup = { count, exponent: 1, work: `${scheme} back up ${CHANGES} changes` } as const;
  yield* costPair({ ...backup, times: 1, prepare: change, run: backUp });
}

async function* grow(scheme: string, surroundings: Surroundings): AsyncGenerator<Comparison> {
  const folder = join(surroundings.scratch, scheme.slice(0, -1));
  const url = `${scheme}${join(folder, 'store')}`;
  const unlock = rawKey(crypto.getRandomValues(new Uint8Array(32)));
  const { createStore, openStore } = await loadOurs();
  const store = await createStore(url, { unlock, maintenance: false });
  const open = (): Promise<SecureStore> => openStore(url, { unlock, maintenance: false });
  const growing: Growing = { scheme, store, open };
  const largest = Math.max(LEAST, 1_000_000 * surroundings.scale);
  let filled = 0;
  for (const count of SIZES.filter((size) => size <= largest)) {
    await fill(growing, filled, count, surroundings);
    filled = count;
    // A first backup reads the store in order. One of the changes since the size before would look for each in an index of any size.
    const destination = `file:${join(folder, `backup-${count}`)}`;
    await store.backup(destination);
    surroundings.progress(`${scheme} is backed up`);
    yield* rowsOf(growing, count, destination);
    await store.backups.unregister(destination);
  }
  await store.close();
  await rm(folder, { recursive: true, force: true });
}

/** The cost of each operation as a store grows from a thousand objects to a million. */
export const growth: Area = {
  title: 'The cost of an operation as a store grows, objects of 1 KiB',
  async *comparisons(surroundings) {
    for (const scheme of ['sqlite:', 'file:']) yield* grow(scheme, surroundings);
  },
};
