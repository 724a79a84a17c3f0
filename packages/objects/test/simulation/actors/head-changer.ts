import type { Dice } from '../dice.ts';
import type { World } from '../world.ts';

/** Whoever rotates, revokes and announces migrations: raises the generation, and closes the store and opens it again. */
export async function headChanger(world: World, dice: Dice, length: number): Promise<void> {
  for (let changes = dice.below(4); changes > 0; changes--) {
    const later = dice.chance(0.3) ? world.plan.calendar.untilLater(dice, world.scheduler.now) : undefined;
    await world.scheduler.sleep(later ?? dice.between(0, length / 2));
    await world.landHead(({ state }) => ({
      // A store that is closed for days has nothing to show.
      state: state === 'open' && !world.plan.days && dice.chance(0.6) ? 'restoring' : 'open',
    }));
  }
}
