import { createHash } from 'node:crypto';
import { client, openPatiently } from '../../../objects/test/simulation/actors/client.ts';
import { collector } from '../../../objects/test/simulation/actors/collector.ts';
import { consumer } from '../../../objects/test/simulation/actors/consumer.ts';
import { trouble } from '../../../objects/test/simulation/actors/trouble.ts';
import type { Image } from '../../../objects/test/simulation/image.ts';
import { drawClock } from '../../../objects/test/simulation/process.ts';
import type { ClockErrors, SimulatedProcess } from '../../../objects/test/simulation/process.ts';
import { answers } from '../../../objects/test/simulation/rules/answers.ts';
import { consumers } from '../../../objects/test/simulation/rules/consumers.ts';
import { cuts } from '../../../objects/test/simulation/rules/cuts.ts';
import { history } from '../../../objects/test/simulation/rules/history.ts';
import { linearizable } from '../../../objects/test/simulation/rules/linearizable.ts';
import { payloads } from '../../../objects/test/simulation/rules/payloads.ts';
import { playOn } from '../../../objects/test/simulation/scenarios/play.ts';
import type { Result } from '../../../objects/test/simulation/simulate.ts';
import { drawWeather } from '../../../objects/test/simulation/weather.ts';
import { conclude } from './conclude.ts';
import { lister } from './lister.ts';
import { migrator } from './migrator.ts';
import { planOf } from './plan.ts';
import { errors, freshness, leftBehind, listings, onePlace, openInTheEnd } from './rules.ts';
import { MOVE_SCENARIOS } from './scenarios.ts';
import { MoveStage } from './stage.ts';
import { MigrationWorld } from './world.ts';

const MINUTE = 60_000;

const RULES = [linearizable, history, consumers, cuts, payloads];
const OWN_RULES = [errors, freshness, onePlace, leftBehind, listings, openInTheEnd];

/** Starts the actors of a schedule. */
function populate(world: MigrationWorld): SimulatedProcess[] {
  const { dice, plan, secrets, scheduler } = world;
  const { parts } = plan;
  const length = plan.days ? dice.magnitude(200, 4000) : dice.between(20_000, 2 * MINUTE);
  const fail = (error: unknown): void => world.complain(`an actor failed: ${String(error)}`);
  const processes: SimulatedProcess[] = [];
  const start = (name: string, clocks: ClockErrors): SimulatedProcess => {
    const process = world.startProcess(name, clocks);
    trouble(world, process, dice.fork(), length);
    processes.push(process);
    return process;
  };
  for (let index = 0; index < plan.clients; index++) {
    // Most of what matters happens just before the store closes, which is 6 s after that is announced, and until it is open again.
    const times = !plan.busy && dice.chance(0.3) ? 0 : 1 + dice.below(plan.busy ? 1 : plan.moves);
    const begins =
      times > 0 ? dice.between(plan.busy ? 5000 : 0, 9000) : dice.chance(0.5) ? 0 : dice.between(0, 40_000);
    const own = dice.fork();
    const begin = async (): Promise<void> => {
      if (times > 0) await world.announced(times);
      await scheduler.sleep(begins);
      await client(world, start(`client ${index}`, drawClock(dice)), own, secrets.kept);
    };
    begin().catch(fail);
  }
  const driftOnly = (): ClockErrors => ({ skew: 0, drift: drawClock(dice).drift });
  if (dice.chance(0.4)) lister(world, start('lister', drawClock(dice)), dice.fork()).catch(fail);
  migrator(world, dice.fork(), length).catch(fail);
  if (parts.has('consumer')) consumer(world, dice.fork(), length).catch(fail);
  if (parts.has('collector')) collector(world, start('collector', driftOnly()), dice.fork()).catch(fail);
  return processes;
}

/** What the head says from the beginning. */
async function prepare(world: MigrationWorld): Promise<void> {
  const { shortHistory, journal, checkpoints } = world.plan;
  await world.landHead((head) => ({
    journal: journal ? 'on' : 'off',
    history: shortHistory ? { versions: 0, days: 1 } : head.history,
  }));
  if (world.dice.chance(0.5) && checkpoints) checkpoint(world).catch((error: unknown) => world.complain(String(error)));
  await world.scheduler.run();
}

/** What is verified in the end is held against it. */
async function checkpoint(world: MigrationWorld): Promise<void> {
  const opened = await openPatiently(world, world.startProcess('founder', { skew: 0, drift: 0 }));
  await opened?.store.checkpoint();
}

/** Runs the schedule that `seed` stands for. */
export async function simulate(seed: number, image: Image): Promise<Result> {
  const world = await MigrationWorld.at(seed, planOf(seed), image);
  await prepare(world);
  const { played: scenario } = world.plan;
  if (scenario === undefined) world.setWeather(drawWeather(world.dice, world.plan));
  const played = scenario === undefined ? undefined : playOn(new MoveStage(world), scenario, MOVE_SCENARIOS[scenario]);
  const processes = played?.processes ?? populate(world);
  await world.scheduler.run();
  played?.check();
  // Everything that was under way has arrived by now.
  world.setWeather(undefined);
  await conclude(world);
  const died = new Set(processes.filter(({ alive }) => !alive).map(({ name }) => name));
  const violations = [
    ...world.complaints,
    ...answers(world, died),
    ...RULES.flatMap((rule) => rule(world)),
    ...OWN_RULES.flatMap((rule) => rule(world)),
  ];
  const log = (): string[] => world.log.lines();
  const digest = (): string => createHash('sha256').update(log().join('\n')).digest('hex');
  return { seed, violations, log, digest };
}
