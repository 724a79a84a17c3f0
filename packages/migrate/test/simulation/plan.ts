import { AREAS, HEAD_NAME } from '@securestore/core-format';
import { Calendar } from '../../../objects/test/simulation/calendar.ts';
import { Dice } from '../../../objects/test/simulation/dice.ts';
import type { Focus } from '../../../objects/test/simulation/focus.ts';
import type { Part, Plan } from '../../../objects/test/simulation/plan.ts';
import type { MoveScenarioName } from './scenario-plans.ts';
import { drawScenario } from './scenario-plans.ts';

/** What a schedule in which a store moves is about. */
export interface MigrationPlan extends Plan {
  /** How likely it is of each process that it may follow the store. */
  readonly follows: number;
  /** How often the store moves at most. */
  readonly moves: number;
  /** How likely it is that a migration is given up in the place of being gone on with. */
  readonly cancels: number;
  /** How likely it is that something happens to the migrator at a change of a head. */
  readonly caught: number;
  /** Whether the first one dies when it has landed, and the second one when it has closed the store again, and nobody does much meanwhile. */
  readonly diesTwice: boolean;
  /** Whether all clients change one object while the store closes. */
  readonly busy: boolean;
  /** Whether the store may have a checkpoint: then deletions are forgotten only once it holds them. */
  readonly checkpoints: boolean;
  /** What is played in the place of actors that do what they like. */
  readonly played: MoveScenarioName | undefined;
}

const PLANS = 0x6d6f7665;
const SCENARIOS = 0x706c6179;

const { objects, history, blobs, journal, work } = AREAS;

const OF_MINUTES = [
  [HEAD_NAME],
  [HEAD_NAME],
  [HEAD_NAME, objects],
  [objects],
  [objects],
  [history],
  [blobs],
  [journal],
  [objects, journal],
  [work, journal],
] as const;

function drawFocus(dice: Dice): Focus {
  return {
    areas: dice.pick<readonly string[]>(OF_MINUTES),
    requests: dice.pick(['reads', 'changes', 'changes', 'all']),
    share: dice.magnitude(0.05, 0.4),
    long: 0,
  };
}

/** The plan of the schedule that `seed` stands for. It draws from a source of its own, so that it can be known cheaply. */
export function planOf(seed: number): MigrationPlan {
  return drawScenario(new Dice(seed, SCENARIOS)) ?? drawPlan(seed);
}

function drawPlan(seed: number): MigrationPlan {
  const dice = new Dice(seed, PLANS);
  const diesTwice = dice.chance(0.07);
  const busy = !diesTwice && dice.chance(0.3);
  const days = !diesTwice && !busy && dice.chance(0.15);
  const parts = new Set<Part>();
  if (days) parts.add('collector');
  if (dice.chance(0.3)) parts.add('consumer');
  return {
    parts,
    clients: diesTwice ? 1 : busy ? 4 : 2 + dice.below(3),
    habits: {
      keys: busy ? ['a'] : dice.pick([['a'], ['a', 'b'], ['a', 'b', 'c']]),
      operations: 4 + dice.below(7),
      rest: diesTwice ? 30_000 : busy ? 300 : dice.pick(days ? [20, 500] : [300, 3000, 8000]),
      purges: dice.pick([0, 0, 0.08, 0.3]),
      deletes: dice.pick([0, 0, 0.25]),
      restores: 0.05,
      blobs: dice.pick([0.2, 0.6]),
    },
    batches: dice.chance(0.3),
    days,
    week: false,
    calendar: days ? Calendar.ofDays(dice) : new Calendar([0]),
    shortHistory: days && dice.chance(0.5),
    journal: dice.chance(0.5),
    focus: dice.chance(0.5) ? drawFocus(dice) : undefined,
    diligent: dice.chance(0.5),
    silent: false,
    scenario: undefined,
    follows: dice.pick([1, 1, 0.7]),
    moves: dice.pick([1, 1, 2, 2, 3]),
    cancels: dice.pick([0, 0, 0.3]),
    caught: dice.pick([0, 0.3, 0.8]),
    diesTwice,
    busy,
    checkpoints: true,
    played: undefined,
  };
}
