import { createHash } from 'node:crypto';
import { client } from './actors/client.ts';
import { collector, lastCollection } from './actors/collector.ts';
import { consumer, lastReading } from './actors/consumer.ts';
import { headChanger } from './actors/head-changer.ts';
import { inspect } from './actors/inspector.ts';
import { observer } from './actors/observer.ts';
import { revoker } from './actors/revoker.ts';
import { rotator } from './actors/rotator.ts';
import { trouble } from './actors/trouble.ts';
import type { Image } from './image.ts';
import { planOf } from './plan.ts';
import { play } from './scenarios/play.ts';
import type { ClockErrors, SimulatedProcess } from './process.ts';
import { drawClock } from './process.ts';
import { answers } from './rules/answers.ts';
import { consumers } from './rules/consumers.ts';
import { cuts } from './rules/cuts.ts';
import { errors } from './rules/errors.ts';
import { freshness } from './rules/freshness.ts';
import { history } from './rules/history.ts';
import { replacedKeys } from './rules/keys.ts';
import { linearizable } from './rules/linearizable.ts';
import { payloads } from './rules/payloads.ts';
import { revocation } from './rules/revocation.ts';
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
const RULES = [errors, freshness, linearizable, history, replacedKeys, consumers, cuts, revocation, payloads];

const OTHER_SECRETS = ['kept', 'kept', 'rotated', 'guest'] as const;

/** Starts the actors of a schedule. Each further kind of process joins in here. */
function populate(world: World): SimulatedProcess[] {
  const { dice, plan, secrets } = world;
  const { parts } = plan;
  const length = dice.magnitude(200, plan.days ? 4000 : 2 * MINUTE);
  const fail = (error: unknown): void => world.complain(`an actor failed: ${String(error)}`);
  const processes: SimulatedProcess[] = [];
  const start = (name: string, clocks: ClockErrors): SimulatedProcess => {
    const process = world.startProcess(name, clocks);
    trouble(world, process, dice.fork(), length);
    processes.push(process);
    return process;
  };
  for (let index = 0; index < plan.clients; index++) {
    const secret = secrets[parts.has('revoker') || parts.has('rotator') ? dice.pick(OTHER_SECRETS) : 'kept'];
    client(world, start(`client ${index}`, drawClock(dice)), dice.fork(), secret).catch(fail);
  }
  const driftOnly = (): ClockErrors => ({ skew: 0, drift: drawClock(dice).drift });
  if (parts.has('head changer')) headChanger(world, dice.fork(), length).catch(fail);
  if (parts.has('rotator')) rotator(world, start('rotator', driftOnly()), dice.fork(), length).catch(fail);
  if (parts.has('revoker')) revoker(world, start('revoker', driftOnly()), dice.fork(), length).catch(fail);
  if (parts.has('consumer')) consumer(world, dice.fork(), length).catch(fail);
  if (parts.has('collector')) {
    for (let index = 1 + dice.below(2); index > 0; index--) {
      collector(world, start(`collector ${index}`, driftOnly()), dice.fork()).catch(fail);
    }
  }
  return processes;
}

/** What the head says from the beginning. */
async function prepare(world: World): Promise<void> {
  const { shortHistory, journal } = world.plan;
  if (!shortHistory && !journal) return;
  await world.landHead((head) => ({
    journal: journal ? 'on' : 'off',
    history: shortHistory ? { versions: 0, days: 1 } : head.history,
  }));
}

/** Runs actors that come when nothing happens any more, one after the other. */
async function conclude(world: World): Promise<void> {
  const { scheduler, plan, ledgers } = world;
  const alone = async (actor: Promise<void>): Promise<void> => {
    actor.catch((error: unknown) => world.complain(`an actor failed in the end: ${String(error)}`));
    await scheduler.run();
  };
  // Whoever is left out by a store that is closing could not put things right.
  await world.landHead(() => ({ state: 'open' }));
  for (const ledger of ledgers) await alone(lastReading(world, ledger));
  if (plan.days) await alone(lastCollection(world));
  await alone(observer(world, plan.habits.keys));
  await alone(inspect(world, plan.days).then((remains) => void (world.remains = remains)));
}

/** Runs the schedule that `seed` stands for. */
export async function simulate(seed: number, image: Image): Promise<Result> {
  const world = await World.create(seed, planOf(seed), image);
  await prepare(world);
  const { scenario } = world.plan;
  if (scenario === undefined) world.network.setWeather(drawWeather(world.dice, world.plan));
  const played = scenario === undefined ? undefined : play(world, scenario);
  const processes = played?.processes ?? populate(world);
  await world.scheduler.run();
  played?.check();
  // Everything that was under way has arrived by now.
  world.network.setWeather(undefined);
  await conclude(world);
  const died = new Set(processes.filter(({ alive }) => !alive).map(({ name }) => name));
  const violations = [...world.complaints, ...answers(world, died), ...RULES.flatMap((rule) => rule(world))];
  const log = (): string[] => world.log.lines();
  const digest = (): string => createHash('sha256').update(log().join('\n')).digest('hex');
  return { seed, violations, log, digest };
}
