import type { ObjectStore } from '@securestore/objects';
import { openPatiently } from '../../../objects/test/simulation/actors/client.ts';
import type { Dice } from '../../../objects/test/simulation/dice.ts';
import type { SimulatedProcess } from '../../../objects/test/simulation/process.ts';
import type { MigrationWorld } from './world.ts';

/** Lists what there is, and notes what was answered. */
export async function listOnce(world: MigrationWorld, { name }: SimulatedProcess, store: ObjectStore): Promise<void> {
  const { scheduler, listings, log } = world;
  const invoked = scheduler.now;
  try {
    const keys = await store.list();
    listings.push({ process: name, invoked, returned: scheduler.now, keys });
    log.add(name, () => `lists ${keys.join(' ')}`);
  } catch (error) {
    log.add(name, () => `the listing failed: ${String(error)}`);
  }
}

/** A process that lists what there is, and changes nothing. */
export async function lister(world: MigrationWorld, process: SimulatedProcess, dice: Dice): Promise<void> {
  const opened = await openPatiently(world, process);
  if (opened === undefined) return;
  for (let times = 3 + dice.below(6); times > 0; times--) {
    await world.rest(process, dice, 15_000);
    await listOnce(world, process, opened.store);
  }
}
