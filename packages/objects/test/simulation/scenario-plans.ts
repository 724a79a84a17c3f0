import { Calendar } from './calendar.ts';
import type { Dice } from './dice.ts';
import type { Part, Plan } from './plan.ts';

/** What is played where chance alone would hardly ever let the right things meet. */
export type ScenarioName =
  | 'a version is restored while it is collected'
  | 'a version is collected while its restore is in doubt'
  | 'a collector sleeps before its marker'
  | 'a marker is taken over'
  | 'a deleted object is stored again while it is forgotten'
  | 'a purged object is stored again by a clock that is wrong'
  | 'a writer sleeps before its record'
  | 'a writer sleeps until its record is collected'
  | 'an object is stored again while its purge is in doubt'
  | 'an object is purged while its record is in doubt'
  | 'an object is sealed anew while a process remembers it'
  | 'a hint lapses before its commit'
  | 'a consumer ends between a hint and its commit'
  | 'a consumer sleeps in the middle of a look'
  | 'a deletion is forgotten while a consumer is silent'
  | 'changes come while a cut reads the streams'
  | 'a stream is closed while its writer sleeps'
  | 'changes are collected that a consumer has not read'
  | 'an object is stored while its purge finds nothing'
  | 'a writer sleeps on its copy until its record is collected'
  | 'what replaces a version lands late'
  | 'a writer announces its commit again'
  | 'a collector sleeps while it asks what consumers have read'
  | 'a consumer registers while keys are rotated'
  | 'an idle process meets what landed under a retired key';

type Changes = Partial<Pick<Plan, 'shortHistory' | 'journal' | 'days' | 'silent'>> & {
  readonly parts?: readonly Part[];
  readonly purges?: boolean;
  /** Whether the backend may have batches: they leave no place between a copy and its record. */
  readonly batches?: boolean;
};

const COLLECTED: Changes = { parts: ['collector'], shortHistory: true, days: true };
const CONSUMED: Changes = { parts: ['consumer'], journal: true, batches: true };
const COLLECTED_AND_CONSUMED: Changes = { ...COLLECTED, ...CONSUMED, parts: ['consumer', 'collector'] };

const PLANS: Readonly<Record<ScenarioName, Changes>> = {
  'a version is restored while it is collected': COLLECTED,
  'a version is collected while its restore is in doubt': COLLECTED,
  'a collector sleeps before its marker': COLLECTED,
  'a marker is taken over': COLLECTED,
  'a deleted object is stored again while it is forgotten': { ...COLLECTED, batches: true },
  'a purged object is stored again by a clock that is wrong': { ...COLLECTED, purges: true, silent: true },
  'a writer sleeps before its record': COLLECTED,
  'a writer sleeps until its record is collected': COLLECTED,
  'an object is stored again while its purge is in doubt': { purges: true, batches: true },
  'an object is purged while its record is in doubt': { purges: true },
  'an object is sealed anew while a process remembers it': { parts: ['rotator'], batches: true },
  'a hint lapses before its commit': CONSUMED,
  'a consumer ends between a hint and its commit': CONSUMED,
  'a consumer sleeps in the middle of a look': { ...CONSUMED, parts: ['consumer', 'collector'], days: true },
  'a deletion is forgotten while a consumer is silent': COLLECTED_AND_CONSUMED,
  'changes come while a cut reads the streams': CONSUMED,
  'a stream is closed while its writer sleeps': CONSUMED,
  'an object is stored while its purge finds nothing': { purges: true },
  'a writer sleeps on its copy until its record is collected': COLLECTED,
  'what replaces a version lands late': COLLECTED,
  'changes are collected that a consumer has not read': COLLECTED_AND_CONSUMED,
  'a writer announces its commit again': CONSUMED,
  'a collector sleeps while it asks what consumers have read': COLLECTED_AND_CONSUMED,
  'a consumer registers while keys are rotated': { parts: ['consumer', 'rotator'], journal: true, batches: true },
  'an idle process meets what landed under a retired key': { parts: ['rotator'] },
};

const NAMES = Object.keys(PLANS) as ScenarioName[];

/** How many schedules are scenarios. */
const SHARE = 0.1;

/** The plan of a scenario; `undefined` for most schedules, which are none. */
export function drawScenario(dice: Dice): Plan | undefined {
  if (!dice.chance(SHARE)) return undefined;
  const scenario = dice.pick(NAMES);
  const { parts = [], purges = false, batches = false, ...changes } = PLANS[scenario];
  return {
    parts: new Set(parts),
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
    batches: batches && dice.chance(0.3),
    days: false,
    week: false,
    calendar: new Calendar([0]),
    shortHistory: false,
    journal: false,
    focus: undefined,
    diligent: false,
    silent: false,
    ...changes,
    scenario,
  };
}
