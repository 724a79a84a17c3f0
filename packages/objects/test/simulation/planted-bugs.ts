import { COLLECTION_BUGS } from './bugs/collection.ts';
import { COMMITS_BUGS } from './bugs/commits.ts';
import { FRESHNESS_BUGS } from './bugs/freshness.ts';
import { HISTORIES_BUGS } from './bugs/histories.ts';
import { JOURNAL_BUGS } from './bugs/journal.ts';
import type { Part, Plan } from './plan.ts';
import type { SourceChange } from './plant.ts';
import type { ScenarioName } from './scenario-plans.ts';

/** A change of one file of the engine after which it breaks a promise. */
export interface PlantedBug extends SourceChange {
  /** Who must take part in a schedule for it to show: others are passed over. */
  readonly part?: Part;
  /** What else must be so, or makes it likely. */
  readonly plan?: (plan: Plan) => boolean;
  /** What must be played for it to show. */
  readonly scenario?: ScenarioName;
}

/**
 * Each takes out one thing that the promises rest on. Most of them can't be replaced from outside of the engine, so the
 * source is changed while it is loaded; a text that is not there any more is an error, so that this list keeps up.
 */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...COMMITS_BUGS,
  ...FRESHNESS_BUGS,
  ...JOURNAL_BUGS,
  ...COLLECTION_BUGS,
  ...HISTORIES_BUGS,
];
