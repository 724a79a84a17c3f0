import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AllPlaces } from './support/all-places.ts';
import { ALL_BACKENDS, allPlaces } from './support/all-places.ts';
import { moveOn, travelling } from './support/moved.ts';
import { TORTURE } from '../../../tools/campaigns/src/size.ts';

let places: AllPlaces | undefined;
beforeAll(async () => {
  places = await allPlaces(ALL_BACKENDS);
}, 600_000);
afterAll(() => places?.end());

const fresh = (name: string): string | undefined => {
  const url = places?.fresh(name);
  if (url === undefined) console.error(`skipped: no server for ${name}`);
  return url;
};

/**
 * The server that its tests start looks through all that it holds for each listing, payloads and all, so a store of full size takes hours
 * there: see `docs/decisions/mongodb-servers.md`. One that is named (`SECURESTORE_TEST_MONGODB_URL`) gets all.
 */
const SLOW = 'mongodb';
const FULL = { small: 5000, large: 10 } as const;
const OF_SLOW =
  process.env['SECURESTORE_TEST_MONGODB_URL'] === undefined
    ? ({ small: 1000, large: 10, largeBytes: 256 * 1024 } as const)
    : FULL;
const OTHERS = ALL_BACKENDS.filter((name) => name !== SLOW);
/** A request to them takes longest. */
const OBJECT_STORES = ['s3', 'azure', 'gcs'];
/** Slow ones come first, since a store grows on its way. */
const RING = [SLOW, ...OBJECT_STORES, ...OTHERS.filter((name) => name !== 'memory' && !OBJECT_STORES.includes(name))];

/** Its large ones are of a few chunks: other moves have payloads of two parts. */
const ON_THE_WAY = TORTURE
  ? { small: 100, large: 1, largeBytes: 5 * 1024 * 1024 }
  : { small: 40, large: 1, largeBytes: 2.5 * 1024 * 1024 };

test(
  `a store moves from memory through ${RING.join(', ')}, and back to where it was first`,
  { timeout: 900_000 },
  async () => {
    const home = fresh('memory');
    expect.assert(home !== undefined);
    const store = await travelling(home, ON_THE_WAY);
    for (const name of RING) {
      const next = fresh(name);
      if (next !== undefined) await moveOn(store, next);
    }
    await moveOn(store, home);
  },
);

/**
 * Chains in which every backend comes once after every one, itself too: a de Bruijn sequence, cut into one chain for each. Those with
 * {@link SLOW} are short, since a store grows on its way.
 */
const CHAINS = [
  ...OTHERS.map((first, at) => {
    const later = OTHERS.slice(at + 1);
    return [first, ...later.flatMap((other) => [first, other]), later[0] ?? OTHERS[0] ?? first];
  }),
  [SLOW, SLOW],
  ...OTHERS.map((other) => [SLOW, other, SLOW]),
];

test('the chains have every ordered pair once', () => {
  const pairs = CHAINS.flatMap((chain) => chain.slice(1).map((to, at) => `${chain[at]} ${to}`));
  expect(pairs.length).toBe(ALL_BACKENDS.length ** 2);
  expect(new Set(pairs).size).toBe(pairs.length);
});

// Hours: each of the 81 moves takes ten large objects and five thousand small ones.
describe.skipIf(!TORTURE)('between any two backends, also two places of one (only npm run torture)', () => {
  test.each(CHAINS.map((chain) => ({ chain, named: chain.join(' ') })))('$named', async ({ chain }) => {
    const [start, ...others] = chain.filter((name) => places?.fresh(name) !== undefined).map(fresh);
    expect.assert(start !== undefined);
    const store = await travelling(start, chain.includes(SLOW) ? OF_SLOW : FULL);
    for (const to of others) if (to !== undefined) await moveOn(store, to);
  });
});
