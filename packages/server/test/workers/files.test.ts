import { describe } from 'vitest';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';
import { filePlaces } from '../support/worker-places.ts';
import { describeWorkers } from './suite/every.ts';

// T-SERVER-07
for (const place of filePlaces()) {
  // A short run shows the properties once: what a backend has of its own to do with workers, others try as well.
  const isRun = LONG || place.name === 'sqlite';
  describe.runIf(isRun)(onlyLong(`at ${place.name}`, isRun), () => describeWorkers(place));
}
