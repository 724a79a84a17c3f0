import type { FaultInjector, Layer } from '@securestore/backend-api';
import { createFaultInjector, intercept } from '@securestore/backend-api';
import type { ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { patterned } from '../../../objects/test/support/stores.ts';
import type { BackupVerifyReport } from '../../src/index.ts';
import { ScrubState } from '../../src/verify/rolling/scrub-state.ts';
import { verifySlice } from '../../src/verify/rolling/verify-slice.ts';
import type { World } from './worlds.ts';
import { backupAt, filesAt, snapshotAt } from './worlds.ts';

export const HOUR: number = 3_600_000;
export const DAY: number = 24 * HOUR;
export const WITHIN: number = 6 * DAY;

/** Keeps which files were read whole, and when. */
export function readsAt(now: () => number): { readonly layer: Layer; readonly last: Map<string, number> } {
  const last = new Map<string, number>();
  const layer = intercept(() => async ({ operation, key = '', signal }, run) => {
    const result = await run(signal);
    if (operation === 'read') last.set(key, now());
    return result;
  });
  return { layer, last };
}

export async function memoryOf(store: ObjectStore, world: World): Promise<ScrubState> {
  using backup = await backupAt(world.destination, world.clock);
  return new ScrubState(extensionsOf(store).backup, backup.destination.id);
}

/** Checks a share as one process of several does. @param rememberBytes after how much it remembers what it has done */
export async function checkShare(
  world: World,
  {
    store = world.store,
    layers = [],
    within = WITHIN,
    rememberBytes = 1,
  }: {
    readonly store?: ObjectStore;
    readonly layers?: readonly Layer[];
    readonly within?: number;
    readonly rememberBytes?: number;
  } = {},
): Promise<BackupVerifyReport> {
  const { clock, destination } = world;
  const backup = await backupAt(destination, clock, { layers });
  const memory = new ScrubState(extensionsOf(store).backup, backup.destination.id);
  return verifySlice(backup, { memory, clock, random: extensionsOf(store).backup.random }, { within, rememberBytes });
}

/** Files with data, of snapshots of a store that changes. */
export async function fill(world: World, snapshots: number, seed = 0): Promise<void> {
  const { store, destination } = world;
  for (let at = 0; at < snapshots; at++) {
    await store.store(`small/${at}`, patterned(100 + at, seed + at));
    if (at % 3 === 0) await store.store(`large/${at}`, patterned(70_000, seed + at));
    await snapshotAt(store, destination);
  }
}

export async function dataAt(world: World): Promise<string[]> {
  return [...(await filesAt(world.destination)).keys()].filter((name) => /^[deb]\//.test(name));
}

/** A process that is killed at a call of its destination, and then makes none at its store either. */
export function killedAt(k: number): { readonly injector: FaultInjector; readonly other: FaultInjector } {
  const injector = createFaultInjector(({ index }) => (index === k ? { type: 'kill-before' } : undefined));
  const other = createFaultInjector();
  void injector.killed.then(() => other.kill());
  return { injector, other };
}
