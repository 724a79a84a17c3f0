import type { Dice } from '../../../objects/test/simulation/dice.ts';
import { Access, begin, CALLS } from './access.ts';
import { KEYS, USERS } from './image.ts';
import type { Actor, Opened, World } from './world.ts';

function drawActor(world: World, dice: Dice): Actor {
  const { tokens } = world;
  const token = dice.chance(0.5) ? tokens[dice.below(Math.max(1, tokens.length))] : undefined;
  return token === undefined ? { principal: dice.pick(USERS) } : { principal: token.principal, token };
}

/** Begins sessions and acts through them. */
export async function user(world: World, opened: Opened, dice: Dice): Promise<void> {
  const longest = dice.pick([500, 12_000]);
  for (let sessions = 1 + dice.below(3); sessions > 0; sessions--) {
    await world.rest(opened.process, dice, longest);
    const actor = drawActor(world, dice);
    const session = await begin(world, opened, actor);
    if (session === undefined) continue;
    const key = dice.pick(KEYS);
    for (let calls = 2 + dice.below(8); calls > 0; calls--) {
      await world.rest(opened.process, dice, longest);
      const call = dice.pick(CALLS);
      // Often the same, so that what was decided is remembered.
      const about = dice.chance(0.5) ? key : dice.pick(KEYS);
      await new Access(world, opened, actor, dice, `${call} ${about}`).run(call, session, about);
    }
    await session.close();
  }
}
