import type { ListingBound } from 'securestore';
import { Type } from 'typebox';
import type { Route } from '../exchange/route.ts';
import { route } from '../exchange/route.ts';
import { exactly, OBJECT_INFO } from '../request/schemas.ts';

/** The most names in a page. */
const MAX_PAGE = 1000;
/** What is known of an object takes a read, and may be 64 KiB. */
const MAX_ENTRIES = 100;

const LIMIT = Type.String({
  pattern: '^[1-9][0-9]{0,3}$',
  title: 'a whole number of 1 to 9999',
  description: `how many at most: by default ${MAX_PAGE} names or ${MAX_ENTRIES} entries, and never more`,
});
const PAGE = {
  prefix: Type.Optional(Type.String({ maxLength: 1024, description: 'raw: it need not be a key' })),
  after: Type.Optional(Type.String({ description: 'the name that a page before ended with' })),
  next: Type.Optional(Type.String({ maxLength: 4096, description: 'what a page before said as "next"' })),
  limit: Type.Optional(LIMIT),
};

const ABOUT_PAGES =
  'A page ends after a bounded number of names that are looked at, shown or not: it may hold less than was asked for, or nothing, and not be the last one. It is the last one if it says neither "after" nor "next".';
const AFTER = Type.Optional(Type.String({ description: 'the name after which the next page goes on' }));
const NEXT = Type.Optional(
  Type.String({
    description: 'where the next page goes on, of this listing alone, if it ended at a name that is not shown',
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
    summary: 'the names of objects that may be seen, a page of them',
    description: ABOUT_PAGES,
    query: exactly(PAGE),
    answer: {
      description: 'names, in an order of their own',
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
    summary: 'what is known of the objects that may be read, a page of them',
    description: ABOUT_PAGES,
    query: exactly(PAGE),
    answer: {
      description: 'what is known of each',
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
