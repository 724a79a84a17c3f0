import { describe } from 'vitest';
import type { WorkerPlace } from '../../support/worker-places.ts';
import { sharedWorld } from '../../support/worker-world.ts';
import { describeApart } from './apart.ts';
import { describeCrashes } from './crash.ts';
import { describeRequests } from './requests.ts';
import { describeSharedState, withSharedState } from './shared-state.ts';

/** Tests all properties of a server with two workers, at one backend. */
export function describeWorkers({ skip, freshUrl }: WorkerPlace): void {
  describe.skipIf(skip !== undefined)(skip === undefined ? 'workers' : `workers (skipped: ${skip})`, () => {
    const world = sharedWorld(withSharedState, freshUrl);
    describeRequests(world);
    describeSharedState(world);
    describeCrashes(world);
    describeApart(freshUrl);
  });
}
