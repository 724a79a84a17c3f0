import type { ObjectStore } from '@securestore/objects';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import { memoryPlace } from '../../../objects/test/support/places.ts';
import { createAt, usePlace } from '../../../objects/test/support/stores.ts';
import { Backups, Schedules } from '../../src/index.ts';
import { Shelf } from './shelf.ts';

/** The destination of {@link backedUp}. */
export const PLACE = 'memory:backups';

/** A store in memory, and its backups. */
export interface BackedUp {
  readonly clock: EagerClock;
  readonly store: ObjectStore;
  readonly shelf: Shelf;
  readonly backups: Backups;
  readonly schedules: Schedules;
}

/** A store with objects that was backed up to {@link PLACE}. */
export async function backedUp(objects: Readonly<Record<string, string | Uint8Array>>): Promise<BackedUp> {
  const clock = new EagerClock();
  const store = await createAt(
    usePlace(() => memoryPlace(() => clock.now())),
    { clock },
  );
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(store, shelf.connect);
  for (const [key, data] of Object.entries(objects)) await store.store(key, data);
  await backups.backup(PLACE);
  return { clock, store, shelf, backups, schedules: new Schedules(store, backups, shelf.connect) };
}
