import { AREAS, encodeBase32 } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { Place } from '../support/places.ts';
import { CLOCKED_PLACES, memoryPlace } from '../support/places.ts';
import { createAt, openAt, patterned, usePlace } from '../support/stores.ts';

async function world(): Promise<{ place: Place; clock: EagerClock; store: ObjectStore }> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  return { place, clock, store: await createAt(place, { clock }) };
}

describe.each(CLOCKED_PLACES)('a checkpoint on %s', (_name, make) => {
  it('counts what the store holds, and finds nothing wrong', async () => {
    const clock = new EagerClock();
    const store = await createAt(
      usePlace(() => make(clock)),
      { clock },
    );
    await store.storeMany(Array.from({ length: 30 }, (_, n) => ({ key: `k/${n}`, data: `${n}` })));
    await store.store('large', patterned(200_000));
    await store.store('k/1', 'again');
    await store.delete('k/2');
    await store.purge('k/3');
    const report = await store.checkpoint();
    expect(report).toMatchObject({ objects: 29, deleted: 1, purged: 1, contradicted: 0, examined: 31 });
    expect(await store.verify({ payloads: true })).toMatchObject({
      ok: true,
      found: 0,
      findings: [],
      objects: 29,
      deleted: 2,
      versions: 2,
      blobs: 1,
      bytes: 200_000,
      baseline: { entries: 31 },
      anchored: false,
    });
  });
});

describe('a checkpoint', () => {
  it('of an empty store is one', async () => {
    const { store } = await world();
    expect(await store.checkpoint()).toMatchObject({ objects: 0, pages: 0 });
    expect(await store.verify()).toMatchObject({ ok: true, baseline: { entries: 0 } });
  });

  it('is used by who opens the store afterwards', async () => {
    const { place, clock, store } = await world();
    await store.store('k', 'one');
    await store.checkpoint();
    await store.close();
    const again = await openAt(place, { clock });
    expect(await again.verify()).toMatchObject({ ok: true, baseline: { entries: 1 } });
  });

  it('[X-07] writes no page that the one before has', async () => {
    const { place, store } = await world();
    await store.storeMany(Array.from({ length: 4000 }, (_, n) => ({ key: `k${n}`, data: '' })));
    const first = await store.checkpoint();
    expect(first.pages).toBeGreaterThan(1);
    expect(first.pagesWritten).toBe(first.pages);
    const attacker = await attack(place);
    const before = await attacker.names(AREAS.checkpoints);
    for (const name of before.filter((one) => !one.includes('-'))) {
      const body = await attacker.get(name);
      expect(encodeBase32(body.subarray(8, 40))).toBe(name.slice(AREAS.checkpoints.length));
    }
    const second = await store.checkpoint();
    expect(second).toMatchObject({ pages: first.pages, pagesWritten: 0 });
    // Only its root is new.
    expect((await attacker.names(AREAS.checkpoints)).length).toBe(before.length + 1);
  });
});
