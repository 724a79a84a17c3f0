import { createHash } from 'node:crypto';
import { trouble } from '../../../objects/test/simulation/actors/trouble.ts';
import type { Image } from '../../../objects/test/simulation/image.ts';
import { labelOf } from '../../../objects/test/simulation/operations.ts';
import { drawClock } from '../../../objects/test/simulation/process.ts';
import type { Result } from '../../../objects/test/simulation/simulate.ts';
import { administrator } from './administrator.ts';
import { KEYS } from './image.ts';
import { verdicts } from './rules.ts';
import { user } from './user.ts';
import type { Opened } from './world.ts';
import { World } from './world.ts';

/** How long the processes of a schedule may be in trouble, in milliseconds. */
const LENGTH = 2 * 60_000;

/** Opens the store in some processes. The first changes the policy, so its clock is not too wrong for that. */
async function openAll(world: World): Promise<Opened[]> {
  const { dice } = world;
  const opened: Opened[] = [];
  const opening = Array.from({ length: 2 + dice.below(2) }, async (_, index) => {
    const clock = drawClock(dice);
    opened.push(await world.open(`process ${index}`, index === 0 ? { ...clock, skew: clock.skew / 10 } : clock));
  });
  await world.scheduler.run();
  await Promise.all(opening);
  return opened.toSorted((a, b) => (a.process.name < b.process.name ? -1 : 1));
}

function populate(world: World, opened: readonly Opened[]): void {
  const { dice } = world;
  const fail = (error: unknown): void => world.complain(`an actor failed: ${String(error)}`);
  for (const [index, one] of opened.entries()) {
    trouble(world, one.process, dice.fork(), LENGTH);
    if (index === 0 || dice.chance(0.4)) administrator(world, one, dice.fork()).catch(fail);
    for (let users = 1 + dice.below(2); users > 0; users--) user(world, one, dice.fork()).catch(fail);
  }
}

/** Reads everything when all is over: what was refused has left nothing. */
async function inspect(world: World): Promise<void> {
  const { store } = await world.open('observer', { skew: 0, drift: 0 });
  const found = await store.retrieveMany(KEYS);
  for (const item of found) {
    if (item.ok && world.refused.has(labelOf(item.value.data))) world.complain(`${item.key} holds what was refused`);
  }
}

/** Runs the schedule that `seed` stands for. */
export async function simulate(seed: number, image: Image): Promise<Result> {
  const world = await World.create(seed, image);
  const opened = await openAll(world);
  world.setWeather(true);
  populate(world, opened);
  await world.scheduler.run();
  world.setWeather(false);
  inspect(world).catch((error: unknown) => world.complain(`the store can't be read: ${String(error)}`));
  await world.scheduler.run();
  const log = (): string[] => world.log.lines();
  const digest = (): string => createHash('sha256').update(log().join('\n')).digest('hex');
  return { seed, violations: [...world.complaints, ...verdicts(world)], log, digest };
}
