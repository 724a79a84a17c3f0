import { pointName } from '@securestore/core-format';
import type { DamagedPoint, FoundPoint } from '../repository/snapshots.ts';
import type { Refusals } from '../repository/tolerant-delete.ts';

/** Points of which the later ones build on the earlier ones, the oldest first. */
type Chain = readonly number[];

/** What is to go, the oldest first: a snapshot together with the changes that build on it. */
function chainsOf(gone: readonly (FoundPoint | DamagedPoint)[]): Chain[] {
  const chains = new Map<number, number[]>();
  for (const point of gone.toSorted((a, b) => a.number - b.number)) {
    const base = 'base' in point ? point.base : point.number;
    const chain = chains.get(base);
    if (chain === undefined) chains.set(base, [point.number]);
    else chain.push(point.number);
  }
  return [...chains.values()];
}

/**
 * Removes points. Of one that the place does not let go, all that it builds on stays.
 *
 * @returns the numbers of those that stay, and can be restored as before
 * @throws SecureStoreError what the backend throws
 */
export async function removePoints(
  gone: readonly (FoundPoint | DamagedPoint)[],
  refusals: Refusals,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<number>> {
  const remaining = new Set<number>();
  for (const chain of chainsOf(gone)) {
    let isHeld = false;
    for (const number of chain.toReversed()) {
      isHeld ||= !(await refusals.remove(pointName(number), signal));
      if (isHeld) remaining.add(number);
    }
  }
  return remaining;
}
