import type { Head, HeadMigration } from '@securestore/core-format';
import { HEAD_NAME } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { MigrationTargets } from '../../src/index.ts';
import { sealStoreUrl } from '../../src/head/move/sealed-location.ts';
import type { StoreState } from '../../src/head/store-state.ts';
import { loadState } from '../../src/head/store-state.ts';
import { unlockRoot } from '../../src/head/unlock/unlock-root.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { headAt, reviseHead } from '../support/heads.ts';
import { impostorOf } from '../support/impostor.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../support/stores.ts';
import { randomPool } from '@securestore/crypto';

const random = randomPool();
const ELSEWHERE = Buffer.alloc(16, 5);

/** Moves to some places, which says what was connected and not closed again. */
function watched(
  places: readonly Place[],
): MigrationTargets & { readonly connected: string[]; readonly open: Set<string> } {
  const connected: string[] = [];
  const open = new Set<string>();
  return {
    connected,
    open,
    urls: places.map(({ url }) => url),
    async connect(url) {
      const place = places.find((one) => one.url === url);
      if (place === undefined) throw new Error(`nobody allowed ${url}`);
      connected.push(url);
      open.add(url);
      const backend = await place.open();
      const close = backend.close.bind(backend);
      backend.close = async () => {
        open.delete(url);
        await close();
      };
      return { backend, url };
    },
  };
}

async function stateAt(place: Place): Promise<StoreState> {
  const backend = await place.open();
  const head = await headAt(backend);
  return loadState(backend, head, await unlockRoot(head, UNLOCK));
}

/** Has the head say that the store has moved, as whoever has its keys and may write can. */
async function forgeMove(place: Place, to: Place, changes: Partial<HeadMigration> = {}): Promise<void> {
  const location = sealStoreUrl(await stateAt(place), to.url, random);
  await reviseHead(place, (head) => ({
    ...head,
    generation: head.generation + 1,
    state: 'moved',
    migration: { instance: ELSEWHERE, stage: 'announced', resealed: false, location, ...changes },
  }));
}

interface Scene {
  readonly clock: EagerClock;
  readonly place: Place;
  readonly there: Place;
}

async function scene(): Promise<Scene> {
  const clock = new EagerClock();
  const [place, there] = [1, 2].map(() => usePlace(() => memoryPlace(() => clock.now())));
  if (place === undefined || there === undefined) throw new Error('there are two places');
  await (await createAt(place, { clock })).close();
  return { clock, place, there };
}

/** What lies there, which is not the store that is said to have moved there. */
const OTHERS: readonly (readonly [string, (scene: Scene) => Promise<void>])[] = [
  ['nothing is', async () => undefined],
  ['another store of the same secret is', async ({ clock, there }) => void (await createAt(there, { clock }))],
  [
    'a store is that an impostor made for it',
    async ({ place, there }) => (await attack(there)).restore(await impostorOf(place)),
  ],
  [
    'an older copy of it is',
    async ({ place, there }) => (await attack(there)).restore(await (await attack(place)).copy()),
  ],
  [
    'a copy of it is that says to be what it became, from before',
    async ({ place, there }) => {
      await (await attack(there)).restore(await (await attack(place)).copy());
      await reviseHead(there, (head) => ({ ...head, instance: ELSEWHERE }));
    },
  ],
  [
    'it is as of a later generation, under the root of before',
    async ({ place, there }) => {
      await (await attack(there)).restore(await (await attack(place)).copy());
      await reviseHead(there, (head) => ({ ...head, instance: ELSEWHERE, generation: head.generation + 9 }));
    },
  ],
];

describe('whoever has old keys of a store and may write there, and says that it has moved', () => {
  describe.each(OTHERS)('where %s', (_, prepare) => {
    // T-MIGRATE-07
    it('gets nobody to take that for the store, and no connection stays open', async () => {
      const all = await scene();
      const { clock, place, there } = all;
      const targets = watched([there]);
      const store = await openAt(place, { clock, targets });
      await store.store('a', 'one');
      await prepare(all);
      await forgeMove(place, there);
      const before = await (await attack(there)).copy();
      await clock.sleep(6000);
      await failure(store.store('a', 'two'), 'ROLLBACK');
      await failure(store.retrieve('a'), 'ROLLBACK');
      await failure(openAt(place, { clock, targets }), 'ROLLBACK');
      expect(targets.connected.length).toBeGreaterThan(1);
      expect(targets.open.size).toBe(0);
      expect(await (await attack(there)).copy()).toEqual(before);
    });
  });

  // T-MIGRATE-07
  it('gets nobody to connect to a place that is not allowed', async () => {
    const { clock, place, there } = await scene();
    const targets = watched([place]);
    const store = await openAt(place, { clock, targets });
    await forgeMove(place, there);
    await clock.sleep(6000);
    expect((await failure(store.list(), 'LOCKED')).message).toContain(there.url);
    await failure(openAt(place, { clock, targets }), 'LOCKED');
    await failure(openAt(place, { clock }), 'LOCKED');
    expect(targets.connected).toEqual([]);
  });

  it('gets nobody to follow where it was sealed anew', async () => {
    const { clock, place, there } = await scene();
    const targets = watched([there]);
    const store = await openAt(place, { clock, targets });
    await forgeMove(place, there, { resealed: true });
    await clock.sleep(6000);
    await failure(store.list(), 'LOCKED');
    await failure(openAt(place, { clock, targets }), 'LOCKED');
    expect(targets.connected).toEqual([]);
  });

  it('can not take the store URL out of the head of another instance', async () => {
    const { clock, place, there } = await scene();
    const state = await stateAt(place);
    const head: Head = { ...state.head, instance: Buffer.alloc(16, 3) };
    await forgeMove(place, there, { location: sealStoreUrl({ ...state, head }, there.url, random) });
    await failure(openAt(place, { clock, targets: watched([there]) }), 'INTEGRITY');
  });

  it('can have the store say to have moved, and not where', async () => {
    const { clock, place, there } = await scene();
    const targets = watched([there]);
    const store = await openAt(place, { clock, targets });
    await reviseHead(place, (head) => ({ ...head, generation: head.generation + 1, state: 'moved' }));
    await clock.sleep(6000);
    await failure(store.list(), 'LOCKED');
    await failure(openAt(place, { clock, targets }), 'LOCKED');
    expect(targets.connected).toEqual([]);
  });

  it('can not have it open again by the head of before', async () => {
    const { clock, place, there } = await scene();
    const attacker = await attack(place);
    const store = await openAt(place, { clock });
    const before = await attacker.get(HEAD_NAME);
    await forgeMove(place, there);
    await clock.sleep(6000);
    await failure(store.list(), 'LOCKED');
    await attacker.put(HEAD_NAME, before);
    await clock.sleep(6000);
    await failure(store.list(), 'LOCKED');
  });
});
