import type { ObjectStore } from '@securestore/objects';
import { expect, it } from 'vitest';
import { verifyOpenedBackup } from '../../src/index.ts';
import { seededRandom } from '../../../objects/test/support/collection.ts';
import type { World } from '../support/worlds.ts';
import { backupAt, filesAt, restoredFrom, snapshotAt, worldOf } from '../support/worlds.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';

/**
 * One object in 512 ends a page, by a key that is the same in every run: by some keys a page is cut since it is full, and then
 * a change goes over into the next one.
 */
const OBJECTS = 9000;

/** The version of every object. */
async function versionsOf(store: ObjectStore): Promise<Map<string, string>> {
  const versions = new Map<string, string>();
  for await (const { key, version } of store.entries()) versions.set(key, version);
  return versions;
}

async function expectAt({ destination, clock }: World, snapshot: number, expected: Map<string, string>): Promise<void> {
  const backup = await backupAt(destination, clock);
  await using store = await backup.open({ snapshot });
  expect(await versionsOf(store), `snapshot ${snapshot}`).toEqual(expected);
  expect(await store.list('k1')).toEqual([...expected.keys()].filter((key) => key.startsWith('k1')).toSorted());
}

it.runIf(LONG)(
  onlyLong('an index of many pages follows changes anywhere, and keeps the pages in which nothing has changed'),
  { timeout: 900_000 },
  async () => {
    const world = await worldOf({ settings: { random: seededRandom(1) } });
    const { store, destination, clock } = world;
    for (let n = 0; n < OBJECTS; n += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => store.store(`k${n + i}`, `${n + i}`)));
    }
    const points = new Map<number, Map<string, string>>();
    const snap = async (): Promise<number> => {
      const before = (await filesAt(destination, 'x/')).size;
      const { number, failed, findings, objects } = await snapshotAt(store, destination);
      const versions = await versionsOf(store);
      expect([failed, findings, objects]).toEqual([[], [], versions.size]);
      points.set(number, versions);
      return (await filesAt(destination, 'x/')).size - before;
    };
    const pages = await snap();
    expect(pages).toBeGreaterThan(2);
    await store.store('k7', 'other');
    expect(await snap()).toBe(1);
    // Everything of one page and of its neighbours, and what comes before and after all others.
    for (let n = 0; n < OBJECTS; n += 3) await store.delete(`k${n}`);
    await snap();
    for (let n = 0; n < 40; n++) await store.store(`new ${n}`, 'x');
    for (let n = 0; n < OBJECTS; n += 6) await store.store(`k${n}`, 'again');
    await snap();
    expect(await snap()).toBe(0);
    for (const [number, versions] of points) await expectAt(world, number, versions);
    const backup = await backupAt(destination, clock);
    expect((await verifyOpenedBackup(backup, { depth: 'opens' })).findings).toEqual([]);
    const { store: restored } = await restoredFrom(destination, clock, { snapshot: 3 });
    expect(await versionsOf(restored)).toEqual(points.get(3));
    expect((await restored.verify()).findings).toEqual([]);
  },
);

it.runIf(LONG)(onlyLong('the past of one object goes over several pages'), async () => {
  const world = await worldOf({ settings: { history: { versions: 100_000, days: 1 } } });
  const { store, destination, clock } = world;
  await store.store('a', 'x');
  await store.store('z', 'x');
  for (let n = 0; n < 4300; n++) await store.store('many', `${n}`);
  await snapshotAt(store, destination);
  const expected = (await store.history('many')).map(({ version }) => version);
  expect((await filesAt(destination, 'x/')).size).toBeGreaterThan(1);
  await store.store('many', 'one more');
  await store.store('z', 'y');
  await snapshotAt(store, destination);
  const backup = await backupAt(destination, clock);
  for (const [snapshot, versions] of [
    [1, expected],
    [2, (await store.history('many')).map(({ version }) => version)],
  ] as const) {
    await using view = await backup.open({ snapshot });
    expect((await view.history('many')).map(({ version }) => version)).toEqual(versions);
    expect(await view.list()).toEqual(['a', 'many', 'z']);
    expect((await view.retrieve('many', { version: versions.at(-1) ?? '' })).text()).toBe('0');
  }
  expect((await verifyOpenedBackup(backup)).findings).toEqual([]);
  await store.purge('many');
  const { versions } = await snapshotAt(store, destination);
  expect(versions).toBe(4);
});
