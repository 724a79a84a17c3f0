import { forwardTo, intercept } from '@securestore/backend-api';
import type { Layer } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, patterned, usePlace } from '../../objects/test/support/stores.ts';
import { move } from './support/moves.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

const OBJECTS = sized({ short: 2100, full: 2500, torture: 2500 });
const HOUR = 60 * 60 * 1000;
const PAGE = 1000;

/** How often each name of an object was read and written, and how many listings there were. */
interface Counted {
  readonly layer: Layer;
  readonly reads: Map<string, number>;
  readonly writes: Map<string, number>;
  listings: number;
}

const isOfObjects = (name: string): boolean =>
  [AREAS.objects, AREAS.history, AREAS.blobs].some((area) => name.startsWith(area));

const once = (counts: Map<string, number>): Set<number> => new Set(counts.values());

function add(to: Map<string, number>, name: string): void {
  if (isOfObjects(name)) to.set(name, (to.get(name) ?? 0) + 1);
}

const parts = (counts: Counted): [string, number][] =>
  [...counts.reads].filter(([name]) => name.startsWith(AREAS.blobs));

function counted(): Counted {
  const counts: Counted = {
    reads: new Map(),
    writes: new Map(),
    listings: 0,
    layer: (inner) =>
      forwardTo(inner, {
        read(name, options) {
          add(counts.reads, name);
          return inner.read(name, options);
        },
        write(name, body, options) {
          add(counts.writes, name);
          return inner.write(name, body, options);
        },
        async batch(operations, options) {
          for (const { key } of operations) add(counts.writes, key);
          return (await inner.batch?.(operations, options)) ?? [];
        },
        list(prefix, options) {
          if (isOfObjects(prefix)) counts.listings += 1;
          return inner.list(prefix, options);
        },
      }),
  };
  return counts;
}

it('reads each record and part once, writes it once, and reads each record once where it moves to', async () => {
  const objects = sized({ short: 1100, full: OBJECTS, torture: OBJECTS });
  const large = sized({ short: 1, full: 3, torture: 3 });
  const clock = new EagerClock();
  const from = usePlace(() => memoryPlace(() => clock.now()));
  const to = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(from, { clock });
  for (let n = 0; n < objects; n++) await store.store(`k/${n}`, `value ${n}`);
  for (let n = 0; n < 100; n++) await store.store(`k/${n}`, 'again');
  for (let n = 0; n < large; n++) await store.store(`large/${n}`, patterned(9 * 1024 * 1024, n));
  await store.close();
  clock.advance(HOUR);
  const [source, target] = [counted(), counted()];
  const report = await move(from, to, { clock, fromLayers: [source.layer], toLayers: [target.layer] });
  expect(report).toMatchObject({ migrated: true, objects: objects + large, failures: 0 });
  expect(once(source.reads)).toEqual(new Set([1]));
  expect(once(target.writes)).toEqual(new Set([1]));
  expect(new Set(target.writes.keys())).toEqual(new Set(source.reads.keys()));
  expect(source.writes.size).toBe(0);
  expect(once(target.reads)).toEqual(new Set([1]));
  expect([...target.reads.keys()].filter((name) => name.startsWith(AREAS.blobs))).toEqual([]);
  // To count, to copy, for what came while that began, to compare and to verify: of three areas at most.
  const pages = Math.ceil(objects / PAGE) + 3;
  expect(source.listings).toBeLessThanOrEqual(3 * pages);
  expect(target.listings).toBeLessThanOrEqual(3 * pages);
});

it('reads each part once where it moves to, where that lay there before', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryPlace(() => clock.now()));
  const to = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(from, { clock });
  for (let n = 0; n < 3; n++) await store.store(`large/${n}`, patterned(100_000, n));
  await store.close();
  expect(await move(from, to, { clock, copyOnly: true })).toMatchObject({ failures: 0 });
  const [source, target] = [counted(), counted()];
  const report = await move(from, to, { clock, fromLayers: [source.layer], toLayers: [target.layer] });
  expect(report).toMatchObject({ migrated: true, failures: 0, bytes: 0 });
  expect(parts(source)).toEqual([]);
  expect(parts(target).map(([, times]) => times)).toEqual([1, 1, 1]);
});

it('copies the first object before all are listed', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryPlace(() => clock.now()));
  const to = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(from, { clock });
  await store.storeMany(Array.from({ length: OBJECTS }, (_, n) => ({ key: `k/${n}`, data: 'value' })));
  await store.close();
  const copied = Promise.withResolvers<void>();
  const pages: (string | undefined)[] = [];
  // The third page is listed when something was copied.
  const pageByPage: Layer = (inner) =>
    forwardTo(inner, {
      async list(prefix, options) {
        if (prefix === AREAS.objects && !pages.includes(options?.after)) pages.push(options?.after);
        if (prefix === AREAS.objects && pages.indexOf(options?.after) > 1) await copied.promise;
        return inner.list(prefix, options);
      },
    });
  const told: Layer = intercept(() => async ({ operation }, run) => {
    const written = await run(undefined);
    if (pages.length > 0 && (operation === 'write' || operation === 'batch')) copied.resolve();
    return written;
  });
  const report = await move(from, to, { clock, fromLayers: [pageByPage], toLayers: [told] });
  expect(report).toMatchObject({ migrated: true, objects: OBJECTS });
  expect(pages).toHaveLength(Math.ceil(OBJECTS / PAGE));
});
