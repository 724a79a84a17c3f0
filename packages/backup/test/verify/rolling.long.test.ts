import type { StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openAt, patterned } from '../../../objects/test/support/stores.ts';
import { ended } from '../support/faults.ts';
import { checkShare, dataAt, DAY, fill, HOUR, killedAt, memoryOf, readsAt, WITHIN } from '../support/rolling.ts';
import { backupsOf, filesAt, snapshotAt, worldOf } from '../support/worlds.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

/** A backend that holds small bodies, so that payloads have many parts. */
const wrap = (backend: StorageBackend): StorageBackend =>
  forwardTo(backend, { declare: (capabilities) => ({ ...capabilities, maxBodyBytes: 65_536 }) });

describe('checking a share at a time', () => {
  it('reads every file that there is throughout within the time, with files that come and go and runs that are killed', async () => {
    const day = fc.record({
      kills: fc.array(fc.nat(60), { maxLength: 3 }),
      adds: fc.nat(2),
      forgets: fc.boolean(),
      late: fc.nat(4 * HOUR),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(day, { minLength: 8, maxLength: 14 }), async (days) => {
        const world = await worldOf();
        const { store, source, destination, clock } = world;
        await fill(world, 12);
        const { layer, last } = readsAt(() => clock.now());
        const since = new Map<string, number>();
        const begin = clock.now();
        for (const [at, { kills, adds, forgets, late }] of days.entries()) {
          clock.advance(Math.max(0, begin + at * DAY + late - clock.now()));
          for (const k of kills) {
            const { injector, other } = killedAt(k);
            const process = await openAt(source, { clock, layers: [other.layer] });
            await ended(checkShare(world, { store: process, layers: [layer, injector.layer] }), injector);
            await process.close();
          }
          expect(await checkShare(world, { layers: [layer] })).toMatchObject({ ok: true, found: 0 });
          const now = clock.now();
          const there = await dataAt(world);
          for (const name of since.keys()) if (!there.includes(name)) since.delete(name);
          for (const name of there) {
            const known = since.get(name) ?? now;
            since.set(name, known);
            expect(now - Math.max(known, last.get(name) ?? 0), name).toBeLessThanOrEqual(WITHIN);
          }
          const unverified = await (await memoryOf(store, world)).since();
          if (unverified !== undefined) {
            // What the condition counts from is never later than a byte was read that was there then.
            for (const name of there) {
              if ((since.get(name) ?? 0) < unverified) expect(last.get(name), name).toBeGreaterThanOrEqual(unverified);
            }
          }
          await fill(world, adds, 100 * (at + 1));
          if (forgets)
            await backupsOf(store, [destination]).forget(destination.url, (all) =>
              all.slice(6).map(({ number }) => number),
            );
        }
        await store.close();
      }),
      { numRuns: sized({ short: 2, full: 4, torture: 100 }) },
    );
  });

  it('goes on where a run was killed', async () => {
    const world = await worldOf();
    const { source, clock } = world;
    await fill(world, 10);
    const data = await dataAt(world);
    const { layer, last } = readsAt(() => clock.now());
    for (let runs = 0; runs < 60; runs++) {
      last.clear();
      let reads = 0;
      const injector = createFaultInjector(({ operation, key = '' }) => {
        if (operation === 'read' && /^[deb]\//.test(key)) reads += 1;
        return reads === 10 + (runs % 3) ? { type: 'kill-before' } : undefined;
      });
      const other = createFaultInjector();
      void injector.killed.then(() => other.kill());
      const process = await openAt(source, { clock, layers: [other.layer] });
      clock.advance(HOUR);
      const layers = [layer, injector.layer];
      const isDone = await ended(checkShare(world, { store: process, layers, within: 2 * DAY }), injector);
      await process.close();
      if (!isDone) continue;
      // The last one had only the rest to do.
      expect(runs).toBeGreaterThan(1);
      expect(data.filter((name) => last.has(name)).length).toBeLessThan(data.length / 2);
      return;
    }
    throw new Error('it never came to its end');
  });

  it('goes on inside a payload, and reads each part of it', async () => {
    const world = await worldOf({ reach: { wrap } });
    const { store, source, destination, clock } = world;
    await store.store('large', patterned(2_000_000, 1));
    await snapshotAt(store, destination);
    const parts = (await dataAt(world)).filter((name) => /^b\/.*[^@]$/.test(name));
    expect(parts.length).toBeGreaterThan(30);
    const { layer, last } = readsAt(() => clock.now());
    let runs = 0;
    for (let isDone = false; !isDone; runs++) {
      let reads = 0;
      const injector = createFaultInjector(({ operation, key = '' }) => {
        if (operation === 'read' && parts.includes(key)) reads += 1;
        return reads === 12 ? { type: 'kill-before' } : undefined;
      });
      const other = createFaultInjector();
      void injector.killed.then(() => other.kill());
      const process = await openAt(source, { clock, wrap, layers: [other.layer] });
      clock.advance(HOUR);
      const layers = [layer, injector.layer];
      isDone = await ended(checkShare(world, { store: process, layers, within: 2 * DAY }), injector);
      await process.close();
    }
    expect(runs).toBeGreaterThan(2);
    expect(parts.filter((name) => !last.has(name))).toEqual([]);
  });

  it('reads a part of what there is on each day, and says how much that is', async () => {
    const world = await worldOf();
    await fill(world, 24);
    const all = await checkShare(world, { within: 2 * DAY });
    const total = all.rolling?.total ?? 0;
    expect(total).toBe(
      [...(await filesAt(world.destination))]
        .filter(([name]) => /^[deb]\//.test(name))
        .reduce((sum, [, { length }]) => sum + length, 0),
    );
    expect(all.bytes).toBe(total);
    expect(all.rolling?.checkedSince).toBeInstanceOf(Date);
    world.clock.advance(DAY);
    const some = await checkShare(world, { within: 20 * DAY });
    expect(some).toMatchObject({ ok: true, depth: 'complete', decrypted: 0, rolling: { total } });
    expect(some.bytes).toBeGreaterThan(0);
    expect(some.bytes).toBeLessThan(total / 2);
  });

  it('remembers nothing of what it could not remember, and says so', async () => {
    const world = await worldOf();
    await fill(world, 3);
    const injector = createFaultInjector(({ operation }) => (operation === 'write' ? { type: 'fail' } : undefined));
    const broken = await openAt(world.source, { clock: world.clock, layers: [injector.layer] });
    await expect(checkShare(world, { store: broken })).rejects.toThrow(SecureStoreError);
    expect(await (await memoryOf(world.store, world)).since()).toBeUndefined();
  });

  it.each([
    ['no length of time', { within: Number.NaN }],
    ['too short a time', { within: 1000 }],
    ['a depth that opens a snapshot', { within: DAY, depth: 'opens' as const }],
    ['a snapshot', { within: DAY, snapshot: 1 }],
  ])('refuses %s', async (_, options) => {
    const world = await worldOf();
    await fill(world, 1);
    const backups = backupsOf(world.store, [world.destination]);
    const verifying = (async () => backups.verify(world.destination.url, options))();
    await expect(verifying).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
