import type { SimulatedProcess } from '../process.ts';
import type { ScenarioName } from '../scenario-plans.ts';
import type { World } from '../world.ts';
import { COLLECTION } from './collection.ts';
import { JOURNAL } from './journal.ts';
import { OBJECTS } from './objects.ts';
import { Stage } from './stage.ts';

const SCENARIOS: Readonly<Record<ScenarioName, (stage: Stage) => Promise<void>>> = {
  ...COLLECTION,
  ...OBJECTS,
  ...JOURNAL,
};

/** Begins a scenario. @returns its processes; more of them come as it goes on */
export function play(world: World, name: ScenarioName): readonly SimulatedProcess[] {
  const stage = new Stage(world);
  world.log.add('world', () => `plays: ${name}`);
  SCENARIOS[name](stage).catch((error: unknown) => world.complain(`the scenario failed: ${String(error)}`));
  return stage.processes;
}
