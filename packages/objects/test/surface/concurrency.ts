import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { SecureStorage } from '../../src/index.ts';
import { memoryPlace, withoutBatch } from '../support/places.ts';
import { failure, patterned, unlessMissing, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';
import { LONG, sized } from '../../../../tools/campaigns/src/size.ts';

const ROUNDS = sized({ short: 3, full: 12, torture: 200 });

async function increment(store: SecureStorage): Promise<void> {
  for (;;) {
    const found = await store.retrieve('counter');
    const { info } = found;
    try {
      await store.store('counter', String(found.json<number>() + 1), { ifVersion: info.version });
      return;
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
      expect(error.currentVersion).not.toBe(info.version);
    }
  }
}

/** Several clients that change the same objects at once. */
export function describeClientsAtOnce(surface: Surface): void {
  // In a short run in memory, and over one of the others.
  describe.each(surface.places.filter(([name]) => LONG || name !== 'file'))(
    'clients at once over %s',
    (_name, make) => {
      describe.each([
        ['with batches', {}],
        ['without batches', { wrap: withoutBatch }],
      ])('%s', (_kind, extras) => {
        async function clients(count: number): Promise<SecureStorage[]> {
          const place = usePlace(make);
          const first = await surface.createAt(place, extras);
          return [
            first,
            ...(await Promise.all(Array.from({ length: count - 1 }, () => surface.openAt(place, extras)))),
          ];
        }

        it('never see CONFLICT without a condition, and every write is a version of its own', async () => {
          const stores = await clients(surface.clients);
          const versions = await Promise.all(
            stores.flatMap((store, client) =>
              Array.from({ length: ROUNDS }, async (_, round) => {
                const data = round % 4 === 0 ? patterned(70_000, round + 1) : `${client}/${round}`;
                return (await store.store('k', data, { metadata: { client, round } })).version;
              }),
            ),
          );
          const [store] = stores;
          const history = (await store?.history('k')) ?? [];
          expect(history.map(({ version }) => version).toSorted()).toEqual(versions.toSorted());
          const found = await store?.retrieve<{ client: number; round: number }>('k', { version: versions[1] });
          expect(found?.metadata).toEqual({ client: 0, round: 1 });
        });

        it('mix deletions, metadata and values without CONFLICT', async () => {
          const stores = await clients(3);
          await stores[0]?.store('k', 'x');
          await Promise.all(
            stores.flatMap((store) =>
              Array.from({ length: ROUNDS }, async (_, round) => {
                if (round % 3 === 0) await store.store('k', `${round}`);
                else if (round % 3 === 1) await unlessMissing(store.setMetadata('k', { round }));
                else await store.delete('k');
              }),
            ),
          );
          await stores[0]?.store('k', 'end');
          for (const store of stores) expect((await store.retrieve('k')).text()).toBe('end');
        });

        it('increment exactly with ifVersion', async () => {
          const stores = await clients(surface.clients);
          await stores[0]?.store('counter', '0');
          await Promise.all(
            stores.map(async (store) => {
              for (let round = 0; round < ROUNDS; round++) await increment(store);
            }),
          );
          expect((await stores[0]?.retrieve('counter'))?.json()).toBe(surface.clients * ROUNDS);
          expect(await stores[0]?.history('counter')).toHaveLength(surface.clients * ROUNDS + 1);
        });

        it('have one winner of ifAbsent, of any size, and the others get CONFLICT', async () => {
          const stores = await clients(surface.clients);
          for (const key of ['a', 'b', 'c']) {
            const results = await Promise.allSettled(
              stores.flatMap((store, client) =>
                [10, 90_000].map((size) =>
                  store.store(key, patterned(size), { ifAbsent: true, metadata: { client, size } }),
                ),
              ),
            );
            const won = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
            expect(won).toHaveLength(1);
            for (const result of results) {
              if (result.status === 'rejected') {
                expect(result.reason).toMatchObject({ code: 'CONFLICT', currentVersion: won[0]?.version });
              }
            }
            expect(await stores[0]?.info(key)).toEqual(won[0]);
            await stores[1]?.delete(key);
          }
        });
      });
    },
  );

  it('closing waits for every call under way, also those of many steps', async () => {
    const place = usePlace(memoryPlace);
    const store = await surface.createAt(place);
    await store.store('there', 'x');
    const items = Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, data: `data ${n}` }));
    const stored = store.storeMany(items);
    const read = store.retrieveMany(['there']);
    const listed = store.list();
    await store.close();
    expect((await stored).filter(({ ok }) => !ok)).toEqual([]);
    expect((await read).filter(({ ok }) => !ok)).toEqual([]);
    expect(await listed).toContain('there');
    await failure(store.list(), 'UNAVAILABLE');
    expect((await (await surface.openAt(place)).list()).length).toBe(51);
  });

  it('an object that would have expired already is refused, and what is there stays', async () => {
    const store = await surface.createAt(usePlace(memoryPlace));
    const { version } = await store.store('k', 'x');
    for (const expires of [new Date(0), new Date(Date.now() - 1)]) {
      await failure(store.store('k', 'y', { expires }), 'INVALID_ARGUMENT');
      expect(await store.storeMany([{ key: 'k', data: 'y', expires }])).toMatchObject([
        { ok: false, error: { code: 'INVALID_ARGUMENT' } },
      ]);
    }
    expect(await store.history('k')).toMatchObject([{ version, current: true }]);
  });
}
