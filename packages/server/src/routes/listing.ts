import { Type } from 'typebox';
import type { Route } from '../route.ts';
import { route } from '../route.ts';
import { exactly, OBJECT_INFO } from '../schemas.ts';

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
  limit: Type.Optional(LIMIT),
};

const AFTER = Type.Optional(Type.String({ description: 'where the next page goes on; absent at the end' }));

/** Up to `limit` of a listing, and whether there are more. */
async function pageOf<T>(
  listing: AsyncIterable<T>,
  limit: number,
): Promise<{ readonly items: T[]; readonly last: T | undefined }> {
  const items: T[] = [];
  for await (const item of listing) {
    // One more has been looked for: else the last page would be followed by an empty one.
    if (items.length === limit) return { items, last: items.at(-1) };
    items.push(item);
  }
  return { items, last: undefined };
}

/** Names, in pages: in the order of the backend, each page from where the one before ended. */
export const LISTING_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/keys',
    access: 'keys',
    summary: 'the names of objects that may be seen, a page of them',
    query: exactly(PAGE),
    answer: {
      description: 'names, in an order of their own',
      json: exactly({ keys: Type.Array(Type.String()), after: AFTER }),
    },
    async handle({ session, query: { prefix, after, limit = MAX_PAGE }, signal }) {
      const most = Math.min(Number(limit), MAX_PAGE);
      const { items, last } = await pageOf(session.keys(prefix, { after, signal }), most);
      return { keys: items, after: last };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/entries',
    access: 'entries',
    summary: 'what is known of the objects that may be read, a page of them',
    query: exactly(PAGE),
    answer: {
      description: 'what is known of each',
      json: exactly({ entries: Type.Array(OBJECT_INFO), after: AFTER }),
    },
    async handle({ session, query: { prefix, after, limit = MAX_ENTRIES }, signal }) {
      const most = Math.min(Number(limit), MAX_ENTRIES);
      const { items, last } = await pageOf(session.entries(prefix, { after, signal }), most);
      return { entries: items, after: last?.key };
    },
  }),
];
