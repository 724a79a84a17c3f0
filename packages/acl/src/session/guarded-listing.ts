import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions, ListingOptions, SecureStorage } from '@securestore/objects';
import { withOneEnd } from '@securestore/objects/internal';
import { mapConcurrently, sortNames } from '@securestore/objects/surface';
import type { ObjectAction } from '../rules/actions.ts';
import type { Checks } from '../guard/checks.ts';
import type { ListingPositions } from './listing-position.ts';
import { scopesAfter, scopesOf } from './listing-scopes.ts';
import { isShown } from '../guard/session-guard.ts';
import { SURFACE } from '../guard/surface.ts';

/** How many steps of a listing that shows nothing are taken before others get their turn. */
const UNSEEN_STEPS = 256;
/** So many objects are read at once. */
const PREFETCHED = 8;
/** No name begins with it: it lists nothing, and says what is wrong with the options all the same. */
const NOTHING = '/';

/** Ends a part of a listing after a bounded amount of work, whether it has shown anything or not. */
export interface ListingBound {
  /** How many names are looked at at most. */
  readonly keys: number;
  /** Where to go on, as `next` of the part before said. */
  readonly from?: string | undefined;
  /** Set if the listing ended before it was over: where the next part goes on. It shows no name. */
  next?: string | undefined;
}

/** The options of listings of a session. */
export interface SessionListingOptions extends ListingOptions {
  readonly bound?: ListingBound | undefined;
}

/** A call that lists objects one by one. */
export interface ListingCall<T> {
  readonly prefix: string;
  readonly options: SessionListingOptions | undefined;
  readonly positions: ListingPositions;
  readonly storage: SecureStorage;
  /** What is told of a name that may be seen; `undefined` if it is not there any more. */
  readonly read?: (key: string, options: ListingOptions | undefined) => Promise<T | undefined>;
}

interface Names extends Pick<ListingCall<unknown>, 'prefix' | 'storage' | 'positions'> {
  readonly actions: readonly ObjectAction[];
  readonly options: ListingOptions | undefined;
  readonly bound: ListingBound | undefined;
}

function afterIn({ options, bound, positions }: Names, about: readonly string[]): string | undefined {
  if (bound?.from === undefined) return options?.after;
  if (options?.after !== undefined)
    throw new SecureStoreError('INVALID_ARGUMENT', 'the options "after" and "next" exclude each other', {
      option: 'after',
    });
  return positions.open(bound.from, about);
}

/** The names that may be seen: others are passed over before anything is read of them. */
async function* shownNames(checks: Checks, call: 'keys' | 'entries', asked: Names): AsyncGenerator<string> {
  const { prefix, storage, positions, actions, options, bound } = asked;
  const about = [call, checks.principal, prefix];
  const after = afterIn(asked, about);
  const { after: _, ...ended } = options ?? {};
  const scopes = typeof prefix === 'string' ? scopesOf(checks, prefix, actions) : [prefix];
  const left = after === undefined || scopes.includes(prefix) ? scopes : scopesAfter(scopes, after);
  let looked = 0;
  for (const [index, scope] of (left.length === 0 ? [NOTHING] : left).entries()) {
    const isWithin = index === 0 && after !== undefined && (scope === prefix || after.startsWith(scope));
    // What a place says that is no name is for the store to refuse.
    const begin = isWithin || (scope === NOTHING && after !== undefined) ? { ...ended, after } : ended;
    for await (const key of storage.keys(scope, options === undefined && !isWithin ? undefined : begin)) {
      await checks.confirmOpen(call, options?.signal);
      looked += 1;
      if (actions.every((action) => isShown(checks, key, action))) yield key;
      else if (looked % UNSEEN_STEPS === 0) await new Promise(setImmediate);
      if (bound === undefined || looked < bound.keys) continue;
      bound.next = positions.seal(key, about);
      return;
    }
  }
}

/** All names that may be seen, at once. */
export async function guardedList(
  checks: Checks,
  storage: SecureStorage,
  prefix: string,
  given: CallOptions | undefined,
): Promise<string[]> {
  const options = withOneEnd(given);
  await checks.confirmOpen('list', options?.signal);
  const end = checks.beginListing();
  try {
    const scopes = typeof prefix === 'string' ? scopesOf(checks, prefix, ['list']) : [prefix];
    const found: string[] = [];
    for (const scope of scopes.length === 0 ? [NOTHING] : scopes) found.push(...(await storage.list(scope, options)));
    await checks.confirmOpen('list', options?.signal);
    return sortNames(found.filter((name) => isShown(checks, name)));
  } finally {
    end();
  }
}

/** What of a listing may be seen; whether anything else is there does not show. */
export async function* guardedListing<T>(
  checks: Checks,
  call: 'keys' | 'entries',
  { prefix, options: given, storage, positions, read }: ListingCall<T>,
): AsyncGenerator<T> {
  const action = SURFACE[call];
  const { bound, ...rest } = given ?? {};
  const options = given === undefined ? undefined : withOneEnd(rest);
  await checks.confirmOpen(call, options?.signal);
  const end = checks.beginListing();
  try {
    const actions: readonly ObjectAction[] = action === 'list' ? ['list'] : ['list', action];
    const names = shownNames(checks, call, { prefix, storage, positions, actions, options, bound });
    if (read === undefined) {
      yield* names as AsyncGenerator<T>;
      return;
    }
    const { after: _, ...ended } = options ?? {};
    const readOptions = options === undefined ? undefined : ended;
    const told = async (key: string): Promise<readonly [string, T | undefined]> => [key, await read(key, readOptions)];
    for await (const [key, item] of mapConcurrently(names, PREFETCHED, told)) {
      await checks.confirmOpen(call, options?.signal);
      // What was taken away since it was read is not told.
      if (item !== undefined && actions.every((one) => isShown(checks, key, one))) yield item;
    }
  } finally {
    end();
  }
}
