import { openPatiently } from '../../../objects/test/simulation/actors/client.ts';
import type { Dice } from '../../../objects/test/simulation/dice.ts';
import type { SimulatedProcess } from '../../../objects/test/simulation/process.ts';
import type { MigrationWorld } from './world.ts';

/** A process that lists what there is, and changes nothing. */
export async function lister(world: MigrationWorld, process: SimulatedProcess, dice: Dice): Promise<void> {
  const opened = await openPatiently(world, process);
  if (opened === undefined) return;
  const { scheduler, listings, log } = world;
  for (let times = 3 + dice.below(6); times > 0; times--) {
    await world.rest(process, dice, 15_000);
    const invoked = scheduler.now;
    try {
      const keys = await opened.store.list();
      listings.push({ process: process.name, invoked, returned: scheduler.now, keys });
      log.add(process.name, () => `lists ${keys.join(' ')}`);
    } catch (error) {
      log.add(process.name, () => `the listing failed: ${String(error)}`);
    }
  }
}
