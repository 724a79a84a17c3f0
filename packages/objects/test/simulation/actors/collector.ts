import { SecureStoreError } from '@securestore/core-format';
import { collect } from '../../../src/maintenance/gc/collect.ts';
import { pruneJournal } from '../../../src/journal/prune.ts';
import type { GcReport } from '../../../src/index.ts';
import type { Dice } from '../dice.ts';
import type { SimulatedProcess } from '../process.ts';
import type { Opened, World } from '../world.ts';
import { openPatiently } from './client.ts';

const MAX_TRIES = 3;
const DAY = 24 * 60 * 60_000;

/** Errors that leave a collection to the next one. */
const PASSING: readonly string[] = ['UNAVAILABLE', 'TIMEOUT', 'LOCKED', 'CONFLICT', 'ABORTED', 'NOT_FOUND'];

function check(world: World, { failures }: GcReport): void {
  for (const { name, code } of failures) {
    // A write that was never acknowledged may have landed after its key was retired.
    const isLate = code === 'INTEGRITY' && world.plan.parts.has('rotator');
    if (!isLate && !PASSING.includes(code)) world.complain(`collecting ${name} failed: ${code}`);
  }
}

/** @returns whether it was done */
export async function collectOnce(
  world: World,
  process: SimulatedProcess,
  opened: Opened,
  asJob: boolean,
): Promise<boolean> {
  try {
    if (asJob) check(world, await opened.store.gc());
    else {
      check(world, await collect(opened.engine));
      await pruneJournal(opened.engine);
    }
    world.log.add(process.name, () => 'has collected');
    return true;
  } catch (error) {
    world.log.add(process.name, () => `the collection stopped: ${String(error)}`);
    if (!SecureStoreError.is(error) || !PASSING.includes(error.code)) {
      world.complain(`${process.name} failed: ${String(error)}`);
    }
    return false;
  }
}

/** A process that collects when others are busy. As a job where there are consumers, which only a job asks. */
export async function collector(world: World, process: SimulatedProcess, dice: Dice): Promise<void> {
  const opened = await openPatiently(world, process);
  if (opened === undefined) return;
  const { parts, calendar, diligent } = world.plan;
  const { scheduler } = world;
  for (let rounds = 2 + dice.below(4); rounds > 0; rounds--) {
    const next = diligent ? calendar.untilNext(dice, scheduler.now) : undefined;
    const later = dice.chance(0.75) ? calendar.untilLater(dice, scheduler.now) : undefined;
    await process.clock.sleep(next ?? later ?? dice.magnitude(1, 10_000));
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if (await collectOnce(world, process, opened, parts.has('consumer') || dice.chance(0.2))) break;
    }
  }
}

/** Collects after all is over, until nothing is left that could be of use to somebody. */
export async function lastCollection(world: World): Promise<void> {
  const process = world.startProcess('tidier', { skew: 0, drift: 0 });
  const opened = await openPatiently(world, process);
  if (opened === undefined) return;
  for (let rounds = 0; rounds < 3; rounds++) {
    await process.clock.sleep(1.1 * DAY);
    await collectOnce(world, process, opened, true);
  }
}
