import type { Head } from '@securestore/core-format';
import type { Clock, Instant } from '@securestore/jobs';
import { elapsedSince } from '@securestore/jobs';

/**
 * How long, in milliseconds of its own clock, whoever raised the generation waits before relying on it: then nobody
 * acknowledges anything any more that was prepared under the one before.
 */
export const QUIESCENT_AFTER = 6000;

/** The same where the store is announced to move, so that nobody waits for long while it does. */
export const QUIESCENT_SOON_AFTER = 550;

/** How often the head is read, and how long what was read counts. */
export interface Bounds {
  /** How old the last confirmation of the head may be before another read of it begins, in milliseconds. */
  readonly refreshAfter: number;
  /** How old it may be at most for an operation to be acknowledged, in milliseconds. */
  readonly freshFor: number;
  /** How long a call waits at least for a read of the head that takes less than {@link freshFor}, while slower ones succeed, in milliseconds. */
  readonly waitFor: number;
}

export const BOUNDS: Bounds = { refreshAfter: 2000, freshFor: 5000, waitFor: 10_000 };
/** Of a store that is announced to move. A call can wait until that has ended: a busy machine may take over half a second for each read. */
const SHORT_BOUNDS: Bounds = { refreshAfter: 200, freshFor: 500, waitFor: 30_000 };

export const boundsOf = ({ migration }: Head): Bounds => (migration?.stage === 'announced' ? SHORT_BOUNDS : BOUNDS);

/** Whether a confirmation of `head` that began then still counts. */
export function isFresh(confirmed: Instant, clock: Clock, head: Head): boolean {
  return elapsedSince(confirmed, clock) < boundsOf(head).freshFor;
}
