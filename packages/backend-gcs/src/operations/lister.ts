import type { ListEntry, ListOptions, ListResult } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Call } from '../connection/connection.ts';
import { strangeAnswer } from '../connection/errors.ts';
import { type ObjectResource, type Place, keyOf, secondsOf } from './objects.ts';

/** The most entries of one page, which the service has, too. */
const PAGE_ENTRIES = 1_000;

interface Page {
  readonly kind?: string;
  readonly items?: readonly ObjectResource[];
  readonly nextPageToken?: string;
}

/** Lists the objects of a store in the order of their keys. */
export async function listEntries(
  place: Place,
  call: Call,
  prefix: string,
  { after, limit = PAGE_ENTRIES }: ListOptions,
): Promise<ListResult> {
  const inside = after?.startsWith(prefix) === true;
  // All names that begin with the prefix are on one side of a name that does not.
  if (after !== undefined && after > prefix && !inside) return { entries: [], more: false };
  const start = inside ? place.prefix + after : undefined;
  // The offset itself is listed if it exists, and is then one too many.
  const most = Math.min(limit, PAGE_ENTRIES - 1);
  const params = {
    prefix: place.prefix + prefix,
    maxResults: String(start === undefined ? most : most + 1),
    fields: 'kind,items(name,size,updated),nextPageToken',
    ...(start === undefined ? {} : { startOffset: start }),
  };
  // A page may be empty, or hold nothing of ours.
  for (let token: string | undefined; ;) {
    const page = await readPage(place, call, token === undefined ? params : { ...params, pageToken: token });
    const later = (page.items ?? []).filter(({ name = '' }) => start === undefined || name > start);
    const entries = later.flatMap((item) => entryOf(place, call, item));
    token = page.nextPageToken || undefined;
    const more = token !== undefined || entries.length > most;
    if (entries.length > 0 || !more) return { entries: entries.slice(0, most), more };
  }
}

async function readPage(
  { connection, bucket }: Place,
  call: Call,
  params: Readonly<Record<string, string>>,
): Promise<Page> {
  return connection.run(call, async (signal) => {
    const path = `/storage/v1/b/${bucket}/o`;
    const { data } = await connection.send<Page>({ method: 'GET', path, params, responseType: 'json' }, signal);
    if (data.kind !== 'storage#objects') throw strangeAnswer(call);
    checkOrder(call, data.items ?? []);
    return data;
  });
}

function entryOf(place: Place, call: Call, { name = '', size, updated }: ObjectResource): ListEntry[] {
  const key = keyOf(place, name);
  if (key === undefined) return [];
  const entry = { key, size: Number(size ?? Number.NaN), modified: secondsOf(updated) };
  if (Number.isNaN(entry.size + entry.modified)) throw strangeAnswer(call);
  return [entry];
}

function checkOrder({ site }: Call, items: readonly ObjectResource[]): void {
  for (const [index, { name = '' }] of items.entries()) {
    const before = items[index - 1]?.name;
    if (before === undefined || Buffer.compare(Buffer.from(before), Buffer.from(name)) < 0) continue;
    throw new SecureStoreError('UNSUPPORTED', 'gcs: the service does not list names in byte order', {
      ...site,
      advice: [{ id: 'choose-store-url' }],
    });
  }
}
