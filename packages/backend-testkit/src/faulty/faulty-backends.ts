import { faultyBatches } from './faulty-batches.ts';
import { faultyBodies } from './faulty-bodies.ts';
import { faultyClocks } from './faulty-clocks.ts';
import { faultyConditions } from './faulty-conditions.ts';
import type { FaultyBackend } from './faulty-backend.ts';
import { faultyLifecycles } from './faulty-lifecycles.ts';
import { faultyListings } from './faulty-listings.ts';
import { faultyReopenings } from './faulty-reopenings.ts';
import { faultySignals } from './faulty-signals.ts';

/** One wrapper for every promise of the contract that a backend could break: the suite must fail on each. */
export const FAULTY_BACKENDS: readonly FaultyBackend[] = [
  ...faultyConditions,
  ...faultyBodies,
  ...faultyListings,
  ...faultyBatches,
  ...faultyLifecycles,
  ...faultyClocks,
  ...faultySignals,
  ...faultyReopenings,
];
