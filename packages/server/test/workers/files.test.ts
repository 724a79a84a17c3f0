import { describe } from 'vitest';
import { filePlaces } from '../support/worker-places.ts';
import { describeWorkers } from './suite/every.ts';

// T-SERVER-07
describe.each(filePlaces())('at $name', describeWorkers);
