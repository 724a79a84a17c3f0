import { Calendar } from './calendar.ts';
import { Dice } from './dice.ts';
import type { Habits } from './actors/client.ts';
import type { Focus } from './focus.ts';
import { drawFocus } from './focus.ts';
import type { ScenarioName } from './scenario-plans.ts';
import { drawScenario } from './scenario-plans.ts';

/** Who takes part in a schedule beside the clients. */
export type Part = 'head changer' | 'rotator' | 'revoker' | 'collector' | 'consumer';

/** What a schedule is about. */
export interface Plan {
  readonly parts: ReadonlySet<Part>;
  readonly clients: number;
  readonly habits: Habits;
  readonly batches: boolean;
  /** Whether it takes days, and not minutes. */
  readonly days: boolean;
  /** Whether one of the gaps between bursts is longer than a week. */
  readonly week: boolean;
  readonly calendar: Calendar;
  /** Whether past versions are kept no longer than they must be, so that a schedule sees them go. */
  readonly shortHistory: boolean;
  /** Whether the journal is on from the start. */
  readonly journal: boolean;
  /** Which requests are held up, where the weather is calm otherwise. */
  readonly focus: Focus | undefined;
  /** Whether collectors come in every burst. */
  readonly diligent: boolean;
  /** Whether the backend tells its clock to nobody who reads, so that no process notices that its own is wrong. */
  readonly silent: boolean;
  /** What is played in the place of actors that do what they like. */
  readonly scenario: ScenarioName | undefined;
}

const PLANS = 0x706c616e;
const SCENARIOS = 0x7363656e;

function drawParts(dice: Dice, days: boolean): Set<Part> {
  const parts = new Set<Part>();
  if (days && dice.chance(0.9)) parts.add('collector');
  if (dice.chance(0.4)) parts.add('consumer');
  const choice = dice.float() * (days ? 2 : 1);
  if (choice < 0.35) parts.add('head changer');
  else if (choice < 0.65) parts.add('rotator');
  else if (choice < 0.8) parts.add('revoker');
  return parts;
}

/** The plan of the schedule that `seed` stands for. It draws from a source of its own, so that it can be known cheaply. */
export function planOf(seed: number): Plan {
  return drawScenario(new Dice(seed, SCENARIOS)) ?? drawPlan(seed);
}

function drawPlan(seed: number): Plan {
  const dice = new Dice(seed, PLANS);
  const days = dice.chance(0.45);
  const parts = drawParts(dice, days);
  const shortHistory = days && dice.chance(0.6);
  const week = days && dice.chance(0.15);
  return {
    parts,
    clients: (parts.size > 1 ? 1 : 2) + dice.below(3),
    habits: {
      keys: dice.pick([['a'], ['a', 'b']]),
      operations: 3 + dice.below(parts.size > 1 ? 4 : 6),
      rest: dice.pick(days ? [20, 500] : [20, 1000, 12_000]),
      purges: dice.pick([0, 0, 0.08, 0.3]),
      deletes: dice.pick([0, 0, 0.25]),
      restores: shortHistory ? dice.pick([0.25, 0.25, 0.6]) : 0.05,
      blobs: days ? 0.8 : 0.4,
    },
    batches: dice.chance(0.3),
    days,
    week,
    calendar: week ? Calendar.ofAWeek() : days ? Calendar.ofDays(dice) : new Calendar([0]),
    shortHistory,
    journal: dice.chance(0.3),
    focus: dice.chance(0.5) ? drawFocus(dice, days) : undefined,
    diligent: dice.chance(0.5),
    silent: false,
    scenario: undefined,
  };
}

/** Whether requests for names under one of `areas` are held up in a schedule. */
export const isAbout = ({ focus }: Plan, ...areas: readonly string[]): boolean =>
  focus?.areas.some((area) => areas.includes(area)) === true;
