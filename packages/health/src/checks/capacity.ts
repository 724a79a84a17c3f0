import type { BackendCapacity } from '@securestore/backend-api';
import type { HealthArea } from '@securestore/objects/internal';
import type { HealthThresholds } from '../report/thresholds.ts';
import type { HealthCheck, HealthSource } from '../report/types.ts';
import { finding, fine } from '../report/verdict.ts';
import { percent, size } from '../report/words.ts';

/** The share of what must be left, below which the store is about to stop. */
const NEARLY_FULL = 0.1;

/** Whether there is room left, where the backend tells. */
function judgeCapacity(
  capacity: BackendCapacity | undefined,
  { minFreeBytes, minFreeShare }: Required<HealthThresholds>,
): HealthCheck {
  if (capacity === undefined) return fine('capacity', 'the backend does not tell how much room there is');
  const { free, total } = capacity;
  const details = { figures: { free, total } };
  const what = `${size(free)} of ${size(total)} are free (${percent(free / total)})`;
  const least = Math.max(minFreeBytes ?? 0, (minFreeShare ?? 0) * total);
  // More than there is can't be asked for.
  const limit = Math.min(least, total);
  if (free >= limit) return fine('capacity', what, details);
  const advice = 'make room, or get more; "securestore gc" removes what nobody needs';
  const status = free < limit * NEARLY_FULL ? 'failing' : 'degraded';
  const isTooSmall = least > total;
  const wanted = isTooSmall ? `the disk is smaller than the ${size(least)} that should be` : `${size(limit)} should be`;
  return finding('capacity', status, [`${what}: ${wanted}`, advice], details);
}

/** Asks the backend how much room there is. */
export function capacitySource(area: HealthArea): HealthSource {
  return {
    names: ['capacity'],
    check: async ({ thresholds }) => [judgeCapacity(await area.capacity(), thresholds)],
  };
}
