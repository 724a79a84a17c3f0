import { describe } from 'vitest';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';
import { filePlaces } from '../support/worker-places.ts';
import { describeWorkers } from './suite/every.ts';

for (const place of filePlaces()) {
  // The properties are those of the server. A short run shows them once.
  const isRun = LONG || place.name === 'sqlite';
  // T-SERVER-07
  describe.runIf(isRun)(onlyLong(`at ${place.name}`, isRun), () => describeWorkers(place));
}
