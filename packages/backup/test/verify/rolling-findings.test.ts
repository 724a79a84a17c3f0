import { intercept } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import { atEnd, createAt, openAt, patterned, usePlace } from '../../../objects/test/support/stores.ts';
import { Backups, Schedules } from '../../src/index.ts';
import { checkShare, dataAt, DAY, fill, HOUR, memoryOf, readsAt } from '../support/rolling.ts';
import { Shelf } from '../support/shelf.ts';
import { backupAt, backupsOf, filesAt, memoryAt, reached, snapshotAt, worldOf } from '../support/worlds.ts';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';
import { extensionsOf } from '@securestore/objects/internal';

describe('what is wrong', () => {
  it('is told by every run until it is right again, and counts as not checked from then on', async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    await fill(world, 8);
    const files = await filesAt(destination);
    const backend = await reached(destination);
    const part = [...files.keys()].find((name) => /^b\/.*0$/.test(name)) ?? '';
    const pack = [...files.keys()].find((name) => name.startsWith('d/')) ?? '';
    const damaged = Buffer.from(files.get(part) ?? []);
    damaged.writeUInt8(damaged.readUInt8(100) ^ 1, 100);
    await backend.write(part, damaged);
    await backend.delete(pack);
    const wrong = new Set<string>();
    const found = clock.now();
    for (let day = 0; day < 9; day++) {
      const { ok, findings } = await checkShare(world);
      for (const { name } of findings) wrong.add(name);
      // What is missing shows in the first run, and what is damaged from when it was read.
      expect(ok).toBe(false);
      expect(findings.map(({ name }) => name)).toContain(pack);
      if (day > 5) expect(findings.map(({ name }) => name).toSorted()).toEqual([part, pack].toSorted());
      clock.advance(DAY);
    }
    expect([...wrong].toSorted()).toEqual([part, pack].toSorted());
    const memory = await memoryOf(store, world);
    expect(await memory.since()).toBeLessThanOrEqual(found + 6 * DAY);
    await backend.write(part, files.get(part) ?? Buffer.alloc(0));
    await backend.write(pack, files.get(pack) ?? Buffer.alloc(0));
    expect(await checkShare(world)).toMatchObject({ ok: true, found: 0 });
    expect(await memory.since()).toBeGreaterThan(found + 3 * DAY);
  });

  it('of a payload whose list of digests was missing is all its parts, once that is there again', async () => {
    const world = await worldOf();
    const { destination, clock } = world;
    await fill(world, 4);
    const files = await filesAt(destination);
    const backend = await reached(destination);
    const list = [...files.keys()].find((name) => name.endsWith('/@')) ?? '';
    const part = [...files.keys()].find((name) => name.startsWith(list.slice(0, -1)) && name !== list) ?? '';
    await backend.delete(list);
    const flipped = Buffer.from(files.get(part) ?? []);
    flipped.writeUInt8(flipped.readUInt8(9) ^ 1, 9);
    await backend.write(part, flipped);
    const before = await checkShare(world, { within: 2 * DAY });
    expect(before.findings.map(({ name }) => name)).toEqual([list]);
    await backend.write(list, files.get(list) ?? Buffer.alloc(0));
    clock.advance(60_000);
    const after = await checkShare(world, { within: 300 * DAY });
    expect(after.findings.map(({ name }) => name)).toEqual([part]);
  });

  it.runIf(LONG)(onlyLong('is found however much of it there is, and nothing of that counts as checked'), async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    await fill(world, 130);
    const backend = await reached(destination);
    const packs = (await dataAt(world)).filter((name) => name.startsWith('e/'));
    for (const name of packs) await backend.delete(name);
    const first = await checkShare(world, { within: 2 * DAY });
    expect(first.found).toBe(packs.length);
    expect(packs.length).toBeGreaterThan(100);
    clock.advance(DAY);
    expect((await checkShare(world, { within: 2 * DAY })).found).toBe(packs.length);
    expect(await (await memoryOf(store, world)).since()).toBeUndefined();
  });

  it('and goes with a retention is told no more', async () => {
    const world = await worldOf();
    const { store, destination } = world;
    await fill(world, 5);
    await store.purge('large/0');
    await snapshotAt(store, destination);
    const backend = await reached(destination);
    const part = (await dataAt(world)).find((name) => /^b\/.*0$/.test(name)) ?? '';
    await backend.delete(part);
    expect(await checkShare(world)).toMatchObject({ ok: false });
    await backupsOf(store, [destination]).forget(destination.url, (all) => all.slice(1).map(({ number }) => number));
    expect(await checkShare(world)).toMatchObject({ ok: true });
  });
});

describe('what is remembered of it', () => {
  it('is written by none who has no key of backups, and what was removed only has more checked', async () => {
    const world = await worldOf();
    const { store, clock } = world;
    await fill(world, 6);
    await checkShare(world, { within: 2 * DAY });
    const memory = await memoryOf(store, world);
    const before = await memory.since();
    expect(before).toBeDefined();
    // Whoever has the journal key writes states; what is in them is sealed once more.
    using backup = await backupAt(world.destination, clock);
    const label = `verified ${Buffer.from(backup.destination.id).toString('hex')}`;
    const { etag = '' } = (await extensionsOf(store).backup.states.read(label)) ?? {};
    const forged = Buffer.from(
      JSON.stringify({ version: 1, times: Array(256).fill(clock.now()), started: 0, runs: [], failed: [] }),
    );
    await extensionsOf(store).backup.states.write(label, forged, { ifMatch: etag });
    const { layer, last } = readsAt(() => clock.now());
    expect(await memory.since()).toBeUndefined();
    await checkShare(world, { within: 2 * DAY, layers: [layer] });
    expect((await dataAt(world)).every((name) => last.has(name))).toBe(true);
  });

  it('is the same of a run that reads everything, from its beginning', async () => {
    const world = await worldOf();
    const { store, destination, clock } = world;
    await fill(world, 3);
    const began = clock.now();
    const slow = intercept(() => async ({ key = '', signal }, run) => {
      if (key.startsWith('d/')) clock.advance(HOUR);
      return run(signal);
    });
    await backupsOf(store, [destination], () => ({ layers: [slow] })).verify(destination.url);
    expect(clock.now()).toBeGreaterThan(began + HOUR);
    expect(await (await memoryOf(store, world)).since()).toBe(began);
  });

  it('of two runs at once is what either has read', async () => {
    const world = await worldOf();
    const { source, clock, store } = world;
    await fill(world, 12);
    const other = await openAt(source, { clock });
    atEnd(() => other.close());
    await Promise.all([checkShare(world, { within: 2 * DAY }), checkShare(world, { store: other, within: 2 * DAY })]);
    expect(await (await memoryOf(store, world)).since()).toBeDefined();
  });
});

describe('a schedule', () => {
  it('checks a share on every run, and the age of what is unverified counts from the byte that was not read for longest', async () => {
    const clock = new EagerClock();
    const store = await createAt(
      usePlace(() => memoryAt(clock)),
      { clock },
    );
    const { layer, last } = readsAt(() => clock.now());
    const shelf = new Shelf(() => clock.now(), [layer]);
    const backups = new Backups(store, shelf.connect);
    const schedules = new Schedules(store, backups, shelf.connect);
    for (let at = 0; at < 12; at++) {
      await store.store(`a/${at}`, patterned(200, at));
      await backups.backup('memory:there');
    }
    await schedules.add({
      id: 'check',
      task: 'verify',
      within: 10 * DAY,
      cron: '0 3 * * *',
      destination: 'memory:there',
    });
    expect(await schedules.list()).toMatchObject([{ task: 'verify', within: 10 * DAY }]);
    const conditions = async (maxUnverified: number): Promise<string[]> =>
      (await schedules.conditions({ thresholds: { maxUnverified, maxAge: Infinity } }))
        .flatMap((one) => one.conditions)
        .map(({ id }) => id);
    const begin = clock.now();
    let [first, most] = [0, 0];
    for (let day = 1; day <= 25; day++) {
      clock.advance(begin + day * DAY - clock.now());
      last.clear();
      const [report] = await schedules.run({ once: true });
      expect(report).toMatchObject({ end: 'success', schedule: { id: 'check' } });
      const read = [...last.keys()].filter((name) => name.startsWith('d/')).length;
      if (day === 1) first = read;
      most = Math.max(most, read);
      expect(await conditions(11 * DAY), String(day)).toEqual([]);
    }
    expect(first).toBeGreaterThan(0);
    expect(most).toBeLessThan(12);
    // What was read last was read a moment ago; what was not read for longest wasn't for days.
    expect(await conditions(3 * DAY)).toEqual(['unverified']);
    clock.advance(10 * DAY);
    expect(await conditions(11 * DAY)).toContain('unverified');
  });

  it.each([
    ['for a task that checks nothing', { task: 'backup' as const, within: DAY }],
    ['that is no length of time', { task: 'verify' as const, within: 1 }],
  ])('is refused with a time %s', async (_, more) => {
    const clock = new EagerClock();
    const store = await createAt(
      usePlace(() => memoryAt(clock)),
      { clock },
    );
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(store, shelf.connect);
    await backups.backup('memory:there');
    const adding = new Schedules(store, backups, shelf.connect).add({
      id: 'x',
      cron: '@daily',
      destination: 'memory:there',
      ...more,
    });
    await expect(adding).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
