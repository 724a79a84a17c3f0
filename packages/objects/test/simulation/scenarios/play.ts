import type { SimulatedProcess } from '../process.ts';
import type { ScenarioName } from '../scenario-plans.ts';
import type { World } from '../world.ts';
import { COLLECTION } from './collection.ts';
import { HISTORIES } from './histories.ts';
import { JOURNAL } from './journal.ts';
import { OBJECTS } from './objects.ts';
import { Stage } from './stage.ts';

const SCENARIOS: Readonly<Record<ScenarioName, (stage: Stage) => Promise<void>>> = {
  ...COLLECTION,
  ...OBJECTS,
  ...JOURNAL,
  ...HISTORIES,
};

/** A scenario that is under way. */
export interface Played {
  /** More of them come as it goes on. */
  readonly processes: readonly SimulatedProcess[];
  /** Says what is wrong where it did not come to its end: it waits for a request that nobody sends any more. */
  readonly check: () => void;
}

/** Plays `scenario` on a stage. */
export function playOn<S extends Stage>(stage: S, name: string, scenario: (stage: S) => Promise<void>): Played {
  const { world, processes } = stage;
  world.log.add('world', () => `plays: ${name}`);
  let over = false;
  scenario(stage)
    .catch((error: unknown) => world.complain(`the scenario failed: ${String(error)}`))
    .finally(() => (over = true));
  const check = (): void => {
    if (!over) world.complain('the scenario did not come to its end');
  };
  return { processes, check };
}

export function play(world: World, name: ScenarioName): Played {
  return playOn(new Stage(world), name, SCENARIOS[name]);
}
