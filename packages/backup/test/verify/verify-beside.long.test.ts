import { createFaultInjector } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { patterned } from '../../../objects/test/support/stores.ts';
import type { BackupVerifyReport } from '../../src/index.ts';
import { verifyOpenedBackup } from '../../src/index.ts';
import { checkShare, DAY, memoryOf } from '../support/rolling.ts';
import type { World } from '../support/worlds.ts';
import { backupAt, backupsOf, reached, snapshotAt, worldOf } from '../support/worlds.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

const AREAS = ['s/', 'x/', 'd/', 'e/', 'b/'];

/** Verifies a destination, and runs `meanwhile` before the last file of an area is read. */
async function verifiedWhile(
  world: World,
  area: string,
  kind: 'whole' | 'share',
  meanwhile: () => Promise<void>,
): Promise<BackupVerifyReport> {
  let reads = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const injector = createFaultInjector(({ operation, key = '' }) => {
    if (operation !== 'read' || !key.startsWith(area)) return undefined;
    reads += 1;
    // The newest point is read to begin with; what goes comes later.
    if (reads === 2) void meanwhile().then(resolve);
    return reads < 2 ? undefined : { type: 'delay', until: promise };
  });
  const layers = [injector.layer];
  if (kind === 'share') return checkShare(world, { layers, within: 2 * DAY });
  return verifyOpenedBackup(await backupAt(world.destination, world.clock, { layers }));
}

async function newWorld(): Promise<World> {
  const world = await worldOf();
  const { store, destination } = world;
  for (let at = 0; at < 4; at++) {
    await store.store('a', `version ${at}`);
    await store.store(`large/${at}`, patterned(70_000, at));
    await snapshotAt(store, destination);
    await store.purge(`large/${at}`);
  }
  await snapshotAt(store, destination);
  return world;
}

describe.each(['whole', 'share'] as const)('verifying (%s)', (kind) => {
  // All of them of one kind, and one of the other, are enough in a short run.
  const areas = LONG || kind === 'whole' ? AREAS : AREAS.slice(0, 1);

  it.each(areas)('finds nothing wrong with what a retention removes before it is read, of %s', async (area) => {
    const world = await newWorld();
    const { store, destination } = world;
    let removed = 0;
    const report = await verifiedWhile(world, area, kind, async () => {
      const done = await backupsOf(store, [destination]).forget(destination.url, (all) =>
        all.slice(1).map(({ number }) => number),
      );
      removed = done.files;
    });
    expect(removed).toBeGreaterThan(5);
    expect(report.findings).toEqual([]);
    expect(report.ok).toBe(true);
    if (kind === 'share') expect(await (await memoryOf(store, world)).since()).toBeDefined();
  });

  it.each(areas)('finds what somebody else removes before it is read, of %s', async (area) => {
    const world = await newWorld();
    const backend = await reached(world.destination);
    const report = await verifiedWhile(world, area, kind, async () => {
      const { entries } = await backend.list(area);
      for (const { key } of entries.slice(0, -1)) await backend.delete(key);
    });
    expect(report.ok).toBe(false);
    expect(report.findings.some(({ kind: found, name }) => found === 'missing' && name.startsWith(area))).toBe(true);
  });
});
