import type { ListingBound } from 'securestore';
import { Type } from 'typebox';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { exactly, OBJECT_INFO } from '../request/schemas.ts';

/** The most names in a page. */
export const MAX_PAGE = 1000;
/** What is known of an object takes a read, and may be 64 KiB. */
export const MAX_ENTRIES = 100;

const LIMIT = Type.String({
  pattern: '^[1-9][0-9]{0,3}$',
  title: 'a whole number of 1 to 9999',
  description: `how many at most: by default ${MAX_PAGE} keys or ${MAX_ENTRIES} entries, and never more`,
});
const PAGE = {
  prefix: Type.Optional(
    Type.String({ maxLength: 1024, description: 'the beginning of the keys; it need not be a valid key' }),
  ),
  after: Type.Optional(Type.String({ description: 'the "after" of a page before' })),
  next: Type.Optional(Type.String({ maxLength: 4096, description: 'the "next" of a page before' })),
  limit: Type.Optional(LIMIT),
};

const ABOUT_PAGES =
  'A page ends after a bounded number of keys, shown or not. It may hold fewer than requested, or none, and not be the last page. The last page has neither "after" nor "next".';
const AFTER = Type.Optional(Type.String({ description: 'the "after" of the next page' }));
const NEXT = Type.Optional(
  Type.String({
    description: 'the "next" of the next page of this listing, if this page ended at a key that is not shown',
  }),
);

interface Page<T> {
  readonly items: T[];
  /** The last item, if there are more after it. */
  readonly last: T | undefined;
}

/** Up to `limit` of a listing, and whether there are more. */
async function pageOf<T>(listing: AsyncIterable<T>, limit: number): Promise<Page<T>> {
  const items: T[] = [];
  for await (const item of listing) {
    // One more has been looked for: else the last page would be followed by an empty one.
    if (items.length === limit) return { items, last: items.at(-1) };
    items.push(item);
  }
  return { items, last: undefined };
}

/** Where the page goes on that comes next: at the bound only if the page is not full. */
function goingOn(
  last: string | undefined,
  { next }: ListingBound,
): { readonly after?: string; readonly next?: string } {
  if (last !== undefined) return { after: last };
  return next === undefined ? {} : { next };
}

/** Names, in pages: in the order of the backend, each page from where the one before ended. */
export const LISTING_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/keys',
    access: 'keys',
    summary: 'list a page of the keys that the caller may list',
    description: ABOUT_PAGES,
    query: exactly(PAGE),
    answer: {
      description: 'keys, in the order of the backend',
      json: exactly({ keys: Type.Array(Type.String()), after: AFTER, next: NEXT }),
    },
    async handle({ session, limits, query: { prefix, after, next, limit = MAX_PAGE }, signal }) {
      const most = Math.min(Number(limit), MAX_PAGE);
      const bound: ListingBound = { keys: limits.namesPerPage, from: next };
      const { items, last } = await pageOf(session.keys(prefix, { after, bound, signal }), most);
      return { keys: items, ...goingOn(last, bound) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/entries',
    access: 'entries',
    summary: 'list a page of the objects that the caller may read, with version, size, times and metadata',
    description: ABOUT_PAGES,
    query: exactly(PAGE),
    answer: {
      description: 'the objects without their data',
      json: exactly({ entries: Type.Array(OBJECT_INFO), after: AFTER, next: NEXT }),
    },
    async handle({ session, limits, query: { prefix, after, next, limit = MAX_ENTRIES }, signal }) {
      const most = Math.min(Number(limit), MAX_ENTRIES);
      const bound: ListingBound = { keys: limits.namesPerPage, from: next };
      const { items, last } = await pageOf(session.entries(prefix, { after, bound, signal }), most);
      return { entries: items, ...goingOn(last?.key, bound) };
    },
  }),
];
