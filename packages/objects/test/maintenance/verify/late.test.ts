import type { Layer } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, splitRecord } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { makeCheckpoint } from '../../../src/checkpoint/make.ts';
import { EagerClock } from '../../support/eager-clock.ts';
import type { OpenedEngine } from '../../support/engines.ts';
import { engineAt } from '../../support/engines.ts';
import type { Place } from '../../support/places.ts';
import { memoryPlace, withoutBatch } from '../../support/places.ts';
import { createAt, usePlace } from '../../support/stores.ts';

interface World {
  readonly place: Place;
  readonly clock: EagerClock;
  /** Makes checkpoints, and verifies. */
  readonly keeper: OpenedEngine;
}

async function world(): Promise<World> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock })).close();
  return { place, clock, keeper: await engineAt(place, clock) };
}

async function generationsAt({ engine }: OpenedEngine): Promise<number[]> {
  const { entries } = await engine.backend.list(AREAS.objects);
  const read = async ({ key }: { readonly key: string }): Promise<number> => {
    const found = await engine.backend.read(key);
    return splitRecord(found?.body ?? Buffer.alloc(0)).header.generation;
  };
  return Promise.all(entries.map(read));
}

describe('a writer that has been idle since before a checkpoint', () => {
  it.each(['store', 'setMetadata', 'undelete'] as const)(
    '[F-04] brings what it writes under the newest head: %s',
    async (action) => {
      const { place, clock, keeper } = await world();
      await keeper.store.store('k', 'one');
      if (action === 'undelete') await keeper.store.delete('k');
      const { store } = await engineAt(place, clock);
      await keeper.store.checkpoint();
      clock.advance(60_000);
      const info =
        action === 'store'
          ? await store.store('k', 'two')
          : action === 'undelete'
            ? await store.undelete('k')
            : await store.setMetadata('k', { n: 1 });
      expect(await generationsAt(keeper)).toEqual([keeper.engine.monitor.state.head.generation]);
      expect(await keeper.store.info('k')).toMatchObject({ version: info.version, modified: info.modified });
      expect((await keeper.store.history('k'))[0]?.version).toBe(info.version);
      expect(await keeper.store.verify()).toMatchObject({ ok: true });
    },
  );

  it('[F-04] raises no alarm with an object that the checkpoint does not know', async () => {
    const { place, clock, keeper } = await world();
    const { store } = await engineAt(place, clock);
    await keeper.store.checkpoint();
    clock.advance(60_000);
    await store.store('new', 'x');
    await store.store('large', Buffer.alloc(100_000));
    expect(await keeper.store.verify({ payloads: true })).toMatchObject({ ok: true, objects: 2 });
    expect(await keeper.store.checkpoint()).toMatchObject({ objects: 2, contradicted: 0 });
  });

  it('[F-04] raises no alarm where a checkpoint has seen what it wrote first', async () => {
    const { place, clock, keeper } = await world();
    let landed = false;
    // The checkpoint is made after the record has landed, and before its writer looks at the head.
    const layer: Layer = (inner) =>
      Object.assign(withoutBatch(inner), {
        write: async (...[key, body, options]: Parameters<typeof inner.write>) => {
          const written = await inner.write(key, body, options);
          if (key.startsWith(AREAS.objects) && !landed) {
            landed = true;
            await makeCheckpoint(keeper.engine);
          }
          return written;
        },
      });
    const { store } = await engineAt(place, clock, { layers: [layer] });
    await makeCheckpoint(keeper.engine);
    clock.advance(60_000);
    await store.store('k', 'x');
    expect(landed).toBe(true);
    expect(await keeper.store.verify()).toMatchObject({ ok: true, baseline: { entries: 1 } });
    const again = await makeCheckpoint(keeper.engine);
    expect(again).toMatchObject({ objects: 1, contradicted: 0 });
    expect(await keeper.store.verify()).toMatchObject({ ok: true });
  });
});

describe('a writer that was not late', () => {
  it('writes once, also where the head has changed', async () => {
    const { place, clock, keeper } = await world();
    let writes = 0;
    const injector = createFaultInjector(({ operation, key }) => {
      if (operation === 'write' && key?.startsWith(AREAS.objects) === true) writes += 1;
      return undefined;
    });
    const { store, engine } = await engineAt(place, clock, { layers: [injector.layer] });
    await keeper.store.slots.add(Buffer.alloc(32, 9));
    clock.advance(4000);
    await store.store('k', 'x');
    await engine.monitor.refresh();
    expect(writes).toBe(1);
  });
});
