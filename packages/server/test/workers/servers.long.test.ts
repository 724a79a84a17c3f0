import { describe } from 'vitest';
import { servedPlaces } from '../support/worker-places.ts';
import { describeServedWorkers } from './suite/every.ts';

// T-SERVER-07
describe.each(servedPlaces())('at $name', describeServedWorkers);
