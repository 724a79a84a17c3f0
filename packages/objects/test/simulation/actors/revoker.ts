import { SecureStoreError } from '@securestore/core-format';
import type { Dice } from '../dice.ts';
import type { SimulatedProcess } from '../process.ts';
import type { World } from '../world.ts';
import { openPatiently } from './client.ts';

const MAX_TRIES = 5;

/** A process that takes the guest's slot away. */
export async function revoker(world: World, process: SimulatedProcess, dice: Dice, length: number): Promise<void> {
  await world.rest(process, dice, length);
  const opened = await openPatiently(world, process);
  if (opened === undefined) return;
  const { guestSlot } = world;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      await opened.store.slots.remove(guestSlot);
      world.removals.push({ slot: guestSlot, reported: world.scheduler.now });
      world.log.add(process.name, () => 'has removed the slot of the guest');
      return;
    } catch (error) {
      world.log.add(process.name, () => `the removal failed: ${String(error)}`);
      // An attempt of unknown outcome has removed it.
      if (SecureStoreError.is(error, 'NOT_FOUND')) return;
    }
    await process.clock.sleep(dice.magnitude(100, 10_000));
  }
}
