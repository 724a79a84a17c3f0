import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, HEAD_NAME, workPrefix } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { OpenedEngine } from '../support/engines.ts';
import { engineAt } from '../support/engines.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { KeptPlace } from '../support/kept-place.ts';
import { copyOf, keptAt } from '../support/kept-place.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, openAt, usePlace } from '../support/stores.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

/** One call in so many fails. */
const STRIDE = sized({ short: 9, full: 3, torture: 3 });

interface World extends OpenedEngine {
  readonly place: Place;
  readonly clock: EagerClock;
}

/** A store of 200 objects, made once, and when that was. */
const MADE = new Map<boolean, Promise<{ readonly place: KeptPlace; readonly now: number }>>();

async function makeStore(journal: boolean): Promise<{ readonly place: KeptPlace; readonly now: number }> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, journal });
  await store.storeMany(Array.from({ length: 200 }, (_, n) => ({ key: `k${n}`, data: '' })));
  await store.close();
  return { place: await keptAt(place), now: clock.now() };
}

/** A copy of the same store each time. */
async function world(journal: boolean): Promise<World> {
  const making = MADE.get(journal) ?? makeStore(journal);
  MADE.set(journal, making);
  const made = await making;
  const clock = new EagerClock(made.now);
  const place = await copyOf(made.place, clock);
  return { place, clock, ...(await engineAt(place, clock)) };
}

describe('a checkpoint of a store with a journal', () => {
  it('looks at what has changed, by whatever process', async () => {
    const { place, clock, store } = await world(true);
    const other = await openAt(place, { clock });
    expect(await store.checkpoint()).toMatchObject({ objects: 200, examined: 200, findings: [] });
    await other.store('k1', 'changed');
    await other.delete('k2');
    await other.purge('k3');
    await other.store('new', 'x');
    await other.store('new', 'y');
    expect(await store.checkpoint()).toMatchObject({
      objects: 199,
      deleted: 1,
      purged: 1,
      examined: 4,
      contradicted: 0,
      findings: [],
    });
    expect(await store.verify()).toMatchObject({ ok: true, baseline: { entries: 201 } });
    expect(await store.checkpoint()).toMatchObject({ examined: 0, pagesWritten: 0 });
    // Another process goes on from where this one was.
    await store.store('k4', 'changed');
    expect(await other.checkpoint()).toMatchObject({ examined: 1 });
    expect(await other.verify()).toMatchObject({ ok: true });
  });

  it('finds what was changed while one was being made in the next one', async () => {
    const { place, clock } = await world(true);
    const other = await openAt(place, { clock });
    let writing = false;
    const injector = createFaultInjector(({ operation, key }) => {
      if (writing || operation !== 'write' || key !== HEAD_NAME) return undefined;
      writing = true;
      return { type: 'delay', until: other.store('k5', 'changed').then(() => undefined) };
    });
    const { store } = await engineAt(place, clock, { layers: [injector.layer] });
    await store.checkpoint();
    expect(writing).toBe(true);
    expect(await store.verify()).toMatchObject({ ok: true });
    expect(await store.checkpoint()).toMatchObject({ examined: 1, contradicted: 0 });
    expect(await store.verify()).toMatchObject({ ok: true });
  });

  it('looks at all objects where hints are missing, and says so', async () => {
    const { store, engine } = await world(true);
    await store.checkpoint();
    const hints = async (): Promise<string[]> =>
      (await engine.backend.list(AREAS.journal)).entries.map(({ key }) => key);
    const before = new Set(await hints());
    for (const text of ['one', 'two', 'three']) await store.store('k1', text);
    const [, second] = (await hints()).filter((name) => !before.has(name));
    if (second === undefined) throw new Error('too few hints');
    await engine.backend.delete(second);
    const report = await store.checkpoint();
    expect(report).toMatchObject({ examined: 200, objects: 200 });
    expect(report.findings.length).toBeGreaterThan(0);
    expect(await store.verify()).toMatchObject({ ok: true });
    expect(await store.checkpoint()).toMatchObject({ examined: 0, findings: [] });
  });

  it('that is stopped is made good by the next one', { timeout: 600_000 }, async () => {
    for (let k = 0, reached = true; reached; k += STRIDE) {
      const { place, clock } = await world(true);
      const injector = createFaultInjector();
      const { store, engine } = await engineAt(place, clock, { layers: [injector.layer] });
      await store.checkpoint();
      await store.store('k1', 'changed');
      const start = injector.calls;
      let failed = false;
      injector.plan(({ index }) => {
        failed ||= index >= start + k;
        return index === start + k ? { type: 'fail' } : undefined;
      });
      await Promise.resolve(store.checkpoint()).catch((error: unknown) =>
        expect(error).toMatchObject({ code: 'UNAVAILABLE' }),
      );
      reached = failed;
      injector.plan(undefined);
      const again = await store.checkpoint();
      expect(again.contradicted, `call ${k}`).toBe(0);
      expect(await store.verify(), `call ${k}`).toMatchObject({ ok: true, baseline: { entries: 200 } });
      expect(engine.monitor.state.head.references.checkpoint).toBeDefined();
    }
  });
});

describe('a checkpoint of a store without a journal', () => {
  it('does not switch it on', async () => {
    const { store, engine } = await world(false);
    await store.checkpoint();
    await store.store('k1', 'changed');
    expect(await store.checkpoint()).toMatchObject({ examined: 200, findings: [] });
    expect(engine.monitor.state.head.journal).toBe('off');
    expect((await engine.backend.list(workPrefix('consumer'))).entries).toEqual([]);
  });
});
