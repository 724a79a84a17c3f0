import { Calendar } from '../../../objects/test/simulation/calendar.ts';
import type { Dice } from '../../../objects/test/simulation/dice.ts';
import type { MigrationPlan } from './plan.ts';

/** What is played where chance alone would hardly ever let the right things meet. */
export type MoveScenarioName =
  | 'a writer is held up before its record until the store has moved'
  | 'a writer learns where the store is now that its record was written'
  | 'a purge learns where the store is now that it has buried something'
  | 'a process is idle while the store moves'
  | 'a writer is idle while the store moves'
  | 'a consumer is idle while the store moves'
  | 'an object changes while it is looked at once more'
  | 'a process opens the store where it has landed'
  | 'whoever moves the store sleeps until others have moved it'
  | 'whoever moves the store back sleeps until others have moved it'
  | 'a collector forgets a deletion while the store moves';

type Changes = Partial<Pick<MigrationPlan, 'moves' | 'batches' | 'days' | 'shortHistory' | 'checkpoints'>> & {
  readonly purges?: boolean;
};

const PLANS: Readonly<Record<MoveScenarioName, Changes>> = {
  'a writer is held up before its record until the store has moved': {},
  'a writer learns where the store is now that its record was written': {},
  'a purge learns where the store is now that it has buried something': { purges: true },
  'a process is idle while the store moves': {},
  'a writer is idle while the store moves': { batches: false },
  'a consumer is idle while the store moves': {},
  'an object changes while it is looked at once more': { purges: true },
  'a process opens the store where it has landed': {},
  'whoever moves the store sleeps until others have moved it': { purges: true },
  'whoever moves the store back sleeps until others have moved it': { moves: 2 },
  'a collector forgets a deletion while the store moves': { days: true, shortHistory: true, checkpoints: false },
};

const NAMES = Object.keys(PLANS) as MoveScenarioName[];

/** How many schedules are scenarios. */
const SHARE = 0.15;

/** The plan of a scenario; `undefined` for most schedules, which are none. */
export function drawScenario(dice: Dice): MigrationPlan | undefined {
  if (!dice.chance(SHARE)) return undefined;
  const played = dice.pick(NAMES);
  const { purges = false, ...changes } = PLANS[played];
  return {
    parts: new Set(),
    clients: 0,
    habits: {
      keys: ['a', 'b'],
      operations: 0,
      rest: 0,
      purges: purges ? 1 : 0,
      deletes: 0,
      restores: 0,
      blobs: 0,
    },
    batches: dice.chance(0.3),
    days: false,
    week: false,
    calendar: new Calendar([0]),
    shortHistory: false,
    journal: dice.chance(0.3),
    focus: undefined,
    diligent: false,
    silent: false,
    scenario: undefined,
    follows: 1,
    moves: 1,
    cancels: 0,
    caught: 0,
    diesTwice: false,
    busy: false,
    checkpoints: true,
    ...changes,
    played,
  };
}
