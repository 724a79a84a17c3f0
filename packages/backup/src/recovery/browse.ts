import { byBytes, SecureStoreError } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import { mapConcurrently } from '@securestore/objects/internal';
import { childrenOf } from './list-directory.ts';
import type { DirectoryCache } from './name-caches.ts';
import type { PageSeal } from './page-token.ts';
import type { Source } from './source.ts';
import type { LiveSource, PointSource } from './sources.ts';
import type { BrowsePage, DamagedThen, FolderThen, ObjectThen, Sees } from './types.ts';

/** The largest folder whose objects are read for a page, and how many names are looked at for one. */
const MAX_SORTED = 5000;
export const MAX_STEPS = 10_000;
const READ_AT_ONCE = 8;
/** How many entries are shown of a large folder before it is read. */
const MAX_PREVIEW = 100;

/** What is asked for, checked. */
export interface PageRequest {
  readonly prefix: string;
  readonly after: string | undefined;
  readonly limit: number;
  readonly sees: Sees;
  readonly seal: PageSeal;
  readonly signal: AbortSignal | undefined;
}

type Entry = ObjectThen | FolderThen | DamagedThen;

/** What is known of an object; `undefined` if it went away, or has expired. */
async function entryOf(store: ObjectStore, key: string, signal: AbortSignal | undefined): Promise<Entry | undefined> {
  if (key.endsWith('/')) return { type: 'folder', key };
  try {
    const { version, size, modified } = await store.info(key, { signal });
    return { type: 'object', key, version, size, modified };
  } catch (error) {
    if (!SecureStoreError.is(error) || error.retryable) throw error;
    if (error.code === 'NOT_FOUND') return undefined;
    return { type: 'damaged', key, code: error.code };
  }
}

async function entriesOf(
  store: ObjectStore,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of mapConcurrently(keys, READ_AT_ONCE, (key) => entryOf(store, key, signal))) {
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** A page of a folder at a moment. */
export async function browse(source: PointSource | LiveSource, request: PageRequest): Promise<BrowsePage> {
  const { prefix, after, limit, sees, seal, signal } = request;
  const about = ['browse', source.id, prefix];
  const end = seal.open(after, about);
  const walk = { prefix, sees, steps: MAX_STEPS, signal };
  let begun: readonly string[] = [];
  if (end === undefined || ('name' in end && end.listing === undefined)) {
    const all = await childrenOf(source, { ...walk, most: MAX_SORTED + 1 });
    const keys = keysOf(all.children);
    if (all.next === undefined) return sortedPage(source, keys, end?.name, request, about);
    if (end === undefined) begun = keys;
  }
  if ((end === undefined || 'name' in end) && 'index' in source) {
    const names = source.largeFolder(prefix);
    await names.read(source, MAX_STEPS, signal);
    if (names.isWhole) return largePage(source, names, end ?? { name: '' }, request, about);
    if (!names.isTooLarge) return readingPage(source, names, end?.name ?? '', begun, request, about);
  }
  const from = end !== undefined && 'token' in end ? end.token : undefined;
  const { children, next } = await childrenOf(source, { ...walk, after: from, most: limit });
  const entries = await entriesOf(source.store, keysOf(children), signal);
  const progress = next === undefined ? 1 : progressAt(source, prefix, next);
  const more = next === undefined ? {} : { after: seal.seal({ token: next }, about) };
  return { ...source.info, entries, isSorted: false, progress, ...more };
}

async function sortedPage(
  source: Source,
  keys: readonly string[],
  begin: string | undefined,
  { limit, seal, signal }: PageRequest,
  about: readonly unknown[],
): Promise<BrowsePage> {
  const inOrder = keys.toSorted(byBytes);
  const first = begin === undefined ? 0 : inOrder.findIndex((key) => byBytes(key, begin) > 0);
  const page = first === -1 ? [] : inOrder.slice(first, first + limit);
  const entries = await entriesOf(source.store, page, signal);
  const last = page.at(-1);
  const isMore = last !== undefined && last !== inOrder.at(-1);
  const progress = isMore ? (first + page.length) / inOrder.length : 1;
  return {
    ...source.info,
    entries,
    isSorted: true,
    progress,
    ...(isMore && { after: seal.seal({ name: last }, about) }),
  };
}

/**
 * What is answered while the names of a large folder of a point are read: nothing that is in order yet.
 *
 * @param begun some of what is in it
 */
async function readingPage(
  source: PointSource,
  names: DirectoryCache,
  name: string,
  begun: readonly string[],
  { prefix, limit, seal, signal }: PageRequest,
  about: readonly unknown[],
): Promise<BrowsePage> {
  const shown = begun.toSorted(byBytes).slice(0, Math.min(limit, MAX_PREVIEW));
  const preview = await entriesOf(source.store, shown, signal);
  return {
    ...source.info,
    entries: [],
    isSorted: true,
    progress: progressAt(source, prefix, names.next),
    after: seal.seal({ name, listing: 0 }, about),
    ...(preview.length > 0 && { preview }),
  };
}

/**
 * A page of a large folder of a point, in order, once all names in it are known. What it holds is told by the index alone: what lies next to
 * each other in this order lies anywhere in the backup.
 */
async function largePage(
  source: PointSource,
  names: DirectoryCache,
  end: { readonly name: string; readonly listing?: number },
  { prefix, limit, sees, seal }: PageRequest,
  about: readonly unknown[],
): Promise<BrowsePage> {
  const entries: Entry[] = [];
  const page = (after?: { readonly name: string; readonly listing: number }): BrowsePage => ({
    ...source.info,
    entries,
    isSorted: true,
    progress: 1,
    ...(after !== undefined && { after: seal.seal(after, about) }),
  });
  const { listing, children } = await names.list(end.listing ?? 0, prefix, sees, () => seal.number());
  for (let at = children.after(end.name); at < children.length; at++) {
    const { shown, named } = children.at(at);
    // Again: it may be over.
    if (sees(named.key))
      entries.push(shown === named.key ? { type: 'object', ...named } : { type: 'folder', key: shown });
    // At once: whether anything comes after it may not be for whoever asks.
    if (entries.length >= limit) return page({ name: shown, listing });
  }
  return page();
}

const keysOf = (children: readonly { readonly key: string }[]): string[] => children.map(({ key }) => key);

/** How much of what a prefix is about comes before a token where more comes after it: from 0 to 0.99, since only all of it is 1. */
export function progressAt(source: Source, prefix: string, token: string): number {
  const within = source.names.folderOf(prefix);
  const [begin, end] = [source.shareBefore(within), source.shareBefore(`${within}~~`)];
  const here = source.shareBefore(token);
  if (begin === undefined || end === undefined || here === undefined || end <= begin) return 0;
  return Math.round(Math.min(0.99, Math.max(0, (here - begin) / (end - begin))) * 100) / 100;
}
