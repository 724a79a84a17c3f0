import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, HEAD_NAME, objectName, parseStoreKey, splitRecord, TOMBSTONE_LENGTH } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tombstoneGuard } from '../../src/checkpoint/tombstone-guard.ts';
import { loadCheckpoint } from '../../src/checkpoint/load.ts';
import type { CheckpointReport, MakeOptions } from '../../src/checkpoint/make.ts';
import { makeCheckpoint } from '../../src/checkpoint/make.ts';
import type { Engine } from '../../src/engine/engine.ts';
import type { OpenedEngine } from '../support/engines.ts';
import { engineAt } from '../support/engines.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, usePlace } from '../support/stores.ts';
import { LONG, sized } from '../../../../tools/campaigns/src/size.ts';

async function emptyPlace(): Promise<{ place: Place; clock: EagerClock }> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock })).close();
  return { place, clock };
}

async function* locateAll({ names }: Engine, keys: Iterable<string>): AsyncGenerator<string> {
  for (const key of keys) yield names.locate(parseStoreKey(key)).token;
}

function tokensOf(engine: Engine, keys: Iterable<string>): NonNullable<MakeOptions['changed']> {
  return () => Array.fromAsync(locateAll(engine, keys));
}

async function pagesOf(engine: Engine): Promise<string[]> {
  const loaded = await loadCheckpoint(engine);
  return (loaded?.root.pages ?? []).map(({ id }) => Buffer.from(id).toString('hex'));
}

const OBJECTS = sized({ short: 4000, full: 10_000, torture: 10_000 });

describe(`a checkpoint of ${OBJECTS} objects`, () => {
  it('reads and writes in proportion to the changes', { timeout: 600_000 }, async () => {
    const { place, clock } = await emptyPlace();
    const counts = new Map<string, number>();
    const injector = createFaultInjector(({ operation, key }) => {
      const what = `${operation} ${key?.slice(0, 2)}`;
      counts.set(what, (counts.get(what) ?? 0) + 1);
      return undefined;
    });
    // Small pages, of which there are enough wherever chance lets them end.
    const limits = { maxRecord: 64 * 1024 };
    const { store, engine } = await engineAt(place, clock, { layers: [injector.layer], limits });
    const keys = Array.from({ length: OBJECTS }, (_, n) => `f${n % (OBJECTS / 100)}/k${n}`);
    await store.storeMany(keys.map((key) => ({ key, data: '' })));
    const first = await makeCheckpoint(engine);
    expect(first).toMatchObject({ objects: OBJECTS, examined: OBJECTS });
    expect(first.pages).toBeGreaterThan(3);

    const inOneFolder = keys.filter((key) => key.startsWith('f7/'));
    expect(inOneFolder).toHaveLength(100);
    const scattered = keys.filter((_, n) => n % (OBJECTS / 4) === 0);
    for (const [changes, mostPages] of [
      [inOneFolder, 6],
      [scattered, scattered.length],
    ] as const) {
      await store.storeMany(changes.map((key) => ({ key, data: 'changed' })));
      counts.clear();
      const report = await makeCheckpoint(engine, { changed: tokensOf(engine, changes) });
      expect(report).toMatchObject({ objects: OBJECTS, pages: first.pages, examined: changes.length, contradicted: 0 });
      expect(report.pagesWritten).toBeLessThanOrEqual(mostPages);
      // Beside the pages a root. Read are the changed objects, the pages that they are in, roots, and of what older
      // checkpoints have left the beginnings.
      expect(counts.get('write c/')).toBe(report.pagesWritten + 1);
      expect(counts.get('read o/')).toBe(changes.length);
      expect(counts.get('read c/')).toBeLessThanOrEqual(2 * mostPages + 10);
      expect(counts.get('list o/')).toBeUndefined();
    }
    expect(await makeCheckpoint(engine)).toMatchObject({ pagesWritten: 0, examined: OBJECTS, contradicted: 0 });
  });
});

/** Names long enough for many pages of few objects. */
const nameOf = (n: number): string => `${String(n % 7).padEnd(90, 'x')}/${String(n).padEnd(90, 'y')}`;

interface Change {
  readonly first: number;
  readonly count: number;
  readonly action: 'store' | 'delete' | 'purge' | 'forget';
}

const change: fc.Arbitrary<Change> = fc.record({
  first: fc.nat(600),
  count: fc.integer({ min: 1, max: 60 }),
  action: fc.constantFrom('store' as const, 'delete' as const, 'purge' as const, 'forget' as const),
});

/** What collection does to a deletion that the checkpoint holds. */
async function forget({ engine }: OpenedEngine, key: string): Promise<void> {
  const { token } = engine.names.locate(parseStoreKey(key));
  const found = await engine.backend.read(objectName(token));
  if (found?.body.length !== TOMBSTONE_LENGTH) return;
  const mayForget = await tombstoneGuard(engine);
  if (await mayForget(token, splitRecord(found.body).header)) await engine.backend.delete(objectName(token));
}

async function apply(opened: OpenedEngine, { first, count, action }: Change): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, n) => nameOf(first + n));
  for (const key of keys) {
    if (action === 'store') await opened.store.store(key, `${first}`);
    else if (action === 'forget') await forget(opened, key);
    else await opened.store[action](key);
  }
  return keys;
}

/** Everything that a report says of a state, and nothing of how it came about. */
function stateIn({ objects, deleted, purged, pages, contradicted }: CheckpointReport): object {
  return { objects, deleted, purged, pages, contradicted };
}

describe('the pages of a checkpoint', () => {
  it('[X-06] are the same whether it was made from all objects or from changes', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 3 }), { minLength: 1, maxLength: 4 }), async (rounds) => {
        const { place, clock } = await emptyPlace();
        const opened = await engineAt(place, clock, { limits: { maxRecord: 32 * 1024 } });
        const { store, engine } = opened;
        await store.storeMany(Array.from({ length: 400 }, (_, n) => ({ key: nameOf(n), data: '' })));
        const make = (options?: MakeOptions): Promise<CheckpointReport> => makeCheckpoint(engine, options);
        expect((await make()).pages).toBeGreaterThan(4);
        for (const round of rounds) {
          const keys = new Set<string>();
          for (const one of round) for (const key of await apply(opened, one)) keys.add(key);
          const fromChanges = await make({ changed: tokensOf(engine, keys) });
          const pages = await pagesOf(engine);
          const fromAll = await make();
          expect(fromAll).toMatchObject({ ...stateIn(fromChanges), pagesWritten: 0, contradicted: 0 });
          expect(await pagesOf(engine)).toEqual(pages);
          // From nothing it comes out the same.
          expect(stateIn(await make({ afresh: true }))).toEqual(stateIn(fromChanges));
          expect(await pagesOf(engine)).toEqual(pages);
        }
      }),
      { numRuns: sized({ short: 1, full: 6, torture: 300 }) },
    );
  });
});

/** Stops a checkpoint at its backend call `k`, and looks at what is left. @returns how many calls it made */
async function stopAt(k: number | undefined, type: 'kill-before' | 'kill-after'): Promise<number> {
  const { place, clock } = await emptyPlace();
  const injector = createFaultInjector();
  const { store, engine } = await engineAt(place, clock, { layers: [injector.layer] });
  await store.store('a', 'one');
  await store.delete('a');
  await store.store('b', 'one');
  await makeCheckpoint(engine);
  clock.advance(25 * 60 * 60 * 1000);
  await store.store('b', 'two');
  const before = engine.monitor.state.head.references.checkpoint?.name;
  const start = injector.calls;
  injector.plan(({ index }) => (index === start + (k ?? Infinity) ? { type } : undefined));
  const done = await Promise.race([makeCheckpoint(engine).then(() => true), injector.killed.then(() => false)]);
  const { store: other, engine: opened } = await engineAt(place, clock);
  const report = await other.verify();
  expect(report, `call ${k}`).toMatchObject({ ok: true, baseline: { entries: 2 } });
  if (done) expect(opened.monitor.state.head.references.checkpoint?.name).not.toBe(before);
  expect(await makeCheckpoint(opened), `after call ${k}`).toMatchObject({ objects: 1, deleted: 1 });
  return injector.calls - start;
}

describe('a checkpoint that is stopped', () => {
  it('at any backend call leaves the old one or the new one, whole', { timeout: 600_000 }, async () => {
    const calls = await stopAt(undefined, 'kill-before');
    expect(calls).toBeGreaterThan(8);
    for (let k = 0; k < calls; k++) {
      if (LONG || k % 2 === 0) await stopAt(k, 'kill-before');
      if (LONG || k % 2 === 1) await stopAt(k, 'kill-after');
    }
  });

  it('by a failure or a lost acknowledgement is made whole by another one', { timeout: 600_000 }, async () => {
    for (let k = 0; ; k += sized({ short: 3, full: 1, torture: 1 })) {
      const { place, clock } = await emptyPlace();
      let failing: number | undefined;
      const injector = createFaultInjector(({ index }) =>
        index === failing ? { type: 'lose-acknowledgement' } : undefined,
      );
      const { store, engine } = await engineAt(place, clock, { layers: [injector.layer] });
      await store.store('a', 'one');
      await makeCheckpoint(engine);
      await store.store('b', 'one');
      const start = injector.calls;
      failing = start + k;
      await makeCheckpoint(engine).catch((error: unknown) => expect(error).toMatchObject({ code: 'UNAVAILABLE' }));
      const reached = injector.calls > failing;
      failing = undefined;
      expect(await store.verify()).toMatchObject({ ok: true });
      expect(await makeCheckpoint(engine)).toMatchObject({ objects: 2, contradicted: 0 });
      expect(await store.verify()).toMatchObject({ ok: true, baseline: { entries: 2 } });
      if (!reached) break;
    }
  });
});

describe('several processes', () => {
  it('that make checkpoints at once do no harm', async () => {
    const { place, clock } = await emptyPlace();
    const all = await Promise.all(Array.from({ length: 4 }, () => engineAt(place, clock)));
    for (const [n, { store }] of all.entries()) await store.store(`k${n}`, `${n}`);
    await Promise.all(
      all.map(async ({ store, engine }, n) => {
        await store.store(`more/${n}`, 'x');
        await makeCheckpoint(engine);
      }),
    );
    for (const { store } of all) expect(await store.verify()).toMatchObject({ ok: true });
    const [first] = all;
    expect(await first?.store.checkpoint()).toMatchObject({ objects: 8, contradicted: 0 });
  });

  it('keep no pages that nothing names for longer than a day', async () => {
    const { place, clock } = await emptyPlace();
    const { store, engine } = await engineAt(place, clock);
    const count = async (): Promise<number> => (await engine.backend.list(AREAS.checkpoints)).entries.length;
    for (let day = 0; day < 4; day++) {
      await store.store('k', `${day}`);
      await makeCheckpoint(engine);
      expect(await count()).toBeLessThanOrEqual(4);
      clock.advance(25 * 60 * 60 * 1000);
    }
    expect(await engine.backend.read(HEAD_NAME)).toBeDefined();
  });
});
