import { describe } from 'vitest';
import { TORTURE } from '../../../../../tools/campaigns/src/size.ts';
import type { WorkerPlace } from '../../support/worker-places.ts';
import { sharedWorld } from '../../support/worker-world.ts';
import { describeApart } from './apart.ts';
import { describeCrashes } from './crash.ts';
import { describeRequests } from './requests.ts';
import { describeSharedState, withSharedState } from './shared-state.ts';

/** Tests all properties of a server with two workers, at one backend. */
export function describeWorkers(place: WorkerPlace): void {
  describeWorkersAt(place, true);
}

/** Tests the properties of a server with two workers that depend on the backend; in the longest form all of them. */
export function describeServedWorkers(place: WorkerPlace): void {
  describeWorkersAt(place, TORTURE);
}

/** @param hasShared whether sessions and limits are tested, too, which the process of the server has in its memory */
function describeWorkersAt({ skip, freshUrl }: WorkerPlace, hasShared: boolean): void {
  describe.skipIf(skip !== undefined)(skip === undefined ? 'workers' : `workers (skipped: ${skip})`, () => {
    const world = sharedWorld(withSharedState, freshUrl);
    describeRequests(world);
    if (hasShared) describeSharedState(world);
    describeCrashes(world);
    describeApart(freshUrl);
  });
}
