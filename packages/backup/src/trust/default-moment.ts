import { SecureStoreError } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';
import type { FoundMoment } from './moment.ts';
import { wholePoint } from './moment.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { restoredAfter } from './restore-label.ts';

/**
 * What is meant if nothing is chosen: the newest point that was not made before a restore. A restore that is repeated would undo the first
 * one otherwise.
 *
 * @param before finds the point before another one
 * @throws SecureStoreError `NOT_FOUND` if there is no such point; what `before` throws
 */
export async function momentByDefault(
  { location }: Pick<Destination, 'location'>,
  newest: FoundPoint,
  before: (point: FoundPoint) => Promise<FoundPoint | undefined>,
): Promise<FoundMoment> {
  let point = newest;
  while (restoredAfter(point.label) !== undefined) {
    const found = await before(point);
    if (found === undefined) {
      throw new SecureStoreError(
        'NOT_FOUND',
        `${location}: the only snapshots here were made before a restore. Choose one by its number, such as ${newest.number}`,
      );
    }
    point = found;
  }
  return { ...wholePoint(point), ...(point !== newest && { passedOver: newest.number }) };
}
