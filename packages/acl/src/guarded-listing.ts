import type { ListingOptions } from '@securestore/objects';
import { withOneEnd } from '@securestore/objects';
import type { Checks } from './checks.ts';
import { isShown } from './session-guard.ts';
import { SURFACE } from './surface.ts';

/** How many steps of a listing that shows nothing are taken before others get their turn. */
const UNSEEN_STEPS = 256;

/** A call that lists objects one by one. */
export interface ListingCall<T> {
  readonly options: ListingOptions | undefined;
  readonly list: (options: ListingOptions | undefined) => AsyncIterable<T>;
  readonly nameOf: (item: T) => string;
}

/** What of a listing may be seen; whether anything else is there does not show. */
export async function* guardedListing<T>(
  checks: Checks,
  call: 'keys' | 'entries',
  { options: given, list, nameOf }: ListingCall<T>,
): AsyncGenerator<T> {
  const action = SURFACE[call];
  const options = withOneEnd(given);
  await checks.confirmOpen(call, options?.signal);
  let unseen = 0;
  for await (const item of list(options)) {
    await checks.confirmOpen(call, options?.signal);
    const key = nameOf(item);
    if (isShown(checks, key) && (action === 'list' || isShown(checks, key, action))) yield item;
    else if (++unseen % UNSEEN_STEPS === 0) await new Promise(setImmediate);
  }
}
