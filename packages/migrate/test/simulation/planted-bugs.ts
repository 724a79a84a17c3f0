import type { SourceChange } from '../../../objects/test/simulation/plant.ts';
import type { MigrationPlan } from './plan.ts';

/** A change of one file after which a promise is broken. */
export interface PlantedBug extends SourceChange {
  /** What must be so in a schedule for it to show, or makes it likely: others are passed over. */
  readonly plan?: (plan: MigrationPlan) => boolean;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [];
