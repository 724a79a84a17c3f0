import type { Meter } from '@securestore/backend-api';
import type { HealthArea } from '@securestore/objects/internal';
import type { HealthCheck, HealthContext, HealthSource } from '../report/types.ts';
import { judgeBackend, judgeErrors, judgeLatency, WINDOW } from './backend.ts';
import { judgeClock, judgeHead } from './head.ts';
import { judgeKeys } from './keys.ts';
import { measure } from './measure.ts';

export interface StoreSourceOptions {
  /** What counts the calls of the store, beside those of the probing. */
  readonly meter?: Meter | undefined;
  /** A clock in milliseconds that never runs backwards. */
  readonly monotonic: () => number;
}

/** Looks at the backend of a store, at its head and at its keys. */
export function storeSource(area: HealthArea, { meter, monotonic }: StoreSourceOptions): HealthSource {
  return {
    names: ['backend', 'latency', 'errors', 'head', 'clock', 'keys'],
    async check({ signal, thresholds, budget }: HealthContext): Promise<readonly HealthCheck[]> {
      const measurement = await measure(area, { signal, budget, monotonic });
      const { backend, capabilities, clock, head, confirmedAgo, keys, canResetClock } = area;
      return [
        judgeBackend(measurement, backend),
        judgeLatency(measurement, thresholds),
        judgeErrors(measurement, meter?.recent(WINDOW), thresholds),
        judgeHead(measurement, capabilities, { state: head.state, confirmedAgo }),
        judgeClock(measurement, capabilities, thresholds, canResetClock),
        judgeKeys(keys, head.rotationDays, clock.now(), thresholds),
      ];
    },
  };
}
