import { createHash } from 'node:crypto';
import type { Habits } from './actors/client.ts';
import { client } from './actors/client.ts';
import { headChanger } from './actors/head-changer.ts';
import { observer } from './actors/observer.ts';
import { rotator } from './actors/rotator.ts';
import { trouble } from './actors/trouble.ts';
import type { Dice } from './dice.ts';
import type { Image } from './image.ts';
import type { ClockErrors, SimulatedProcess } from './process.ts';
import { answers } from './rules/answers.ts';
import { errors } from './rules/errors.ts';
import { freshness } from './rules/freshness.ts';
import { history } from './rules/history.ts';
import { replacedKeys } from './rules/keys.ts';
import { linearizable } from './rules/linearizable.ts';
import { drawWeather } from './weather.ts';
import { World } from './world.ts';

/** How a schedule ended. */
export interface Result {
  readonly seed: number;
  readonly violations: readonly string[];
  /** What happened, in order. */
  readonly log: () => string[];
  /** The same for the same events. */
  readonly digest: () => string;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const RULES = [errors, freshness, linearizable, history, replacedKeys];

/** Most clocks are right to within minutes, some are not right at all. */
function drawClock(dice: Dice): ClockErrors {
  const most = dice.pick([0, 1000, 9 * MINUTE, 9 * MINUTE, HOUR]);
  return { skew: dice.between(-most, most), drift: dice.between(-0.0002, 0.0002) };
}

function drawHabits(dice: Dice): Habits {
  const keys = dice.pick([['a'], ['a', 'b']]);
  return { keys, operations: 3 + dice.below(6), rest: dice.pick([20, 1000, 12_000]), purges: dice.chance(0.4) };
}

/** Starts the actors of a schedule. Each further kind of process joins in here. */
function populate(world: World, habits: Habits): SimulatedProcess[] {
  const { dice } = world;
  const length = dice.magnitude(200, 2 * MINUTE);
  const fail = (error: unknown): void => world.complain(`an actor failed: ${String(error)}`);
  const processes = Array.from({ length: 2 + dice.below(3) }, (_, index) => {
    const process = world.startProcess(`client ${index}`, drawClock(dice));
    trouble(world, process, dice.fork(), length);
    client(world, process, dice.fork(), habits).catch(fail);
    return process;
  });
  if (dice.chance(0.7)) {
    headChanger(world, dice.fork(), length).catch(fail);
    return processes;
  }
  const process = world.startProcess('rotator', { skew: 0, drift: drawClock(dice).drift });
  trouble(world, process, dice.fork(), length);
  rotator(world, process, dice.fork(), length).catch(fail);
  return [...processes, process];
}

/** Runs the schedule that `seed` stands for. */
export async function simulate(seed: number, image: Image): Promise<Result> {
  const world = await World.create(seed, image);
  const habits = drawHabits(world.dice);
  world.network.setWeather(drawWeather(world.dice));
  const processes = populate(world, habits);
  await world.scheduler.run();
  // Everything that was under way has arrived by now.
  world.network.setWeather(undefined);
  observer(world, habits.keys).catch((error: unknown) => world.complain(`the observer failed: ${String(error)}`));
  await world.scheduler.run();
  const died = new Set(processes.filter(({ alive }) => !alive).map(({ name }) => name));
  const violations = [...world.complaints, ...answers(world, died), ...RULES.flatMap((rule) => rule(world))];
  const log = (): string[] => world.log.lines();
  const digest = (): string => createHash('sha256').update(log().join('\n')).digest('hex');
  return { seed, violations, log, digest };
}
