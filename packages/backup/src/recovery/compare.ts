import type { IndexEntry, IndexPage } from '@securestore/core-format';
import { asBuffer, byBytes, indexPageName, SecureStoreError } from '@securestore/core-format';
import { joinByToken, mapConcurrently } from '@securestore/objects/internal';
import type { PageRequest } from './browse.ts';
import { progressAt } from './browse.ts';
import { firstAtLeast } from '../repository/index-set.ts';
import type { IndexPages } from '../repository/index-pages.ts';
import type { IndexView } from '../repository/moment-index.ts';
import type { Item, Source } from './source.ts';
import { yieldTurn } from './source.ts';
import type { LiveItem, LiveSource, PointSource } from './sources.ts';
import type { ComparePage, Difference } from './types.ts';

/** How many names are looked at for a page, and how many of them are read for it. */
const MAX_STEPS = 10_000;
const MAX_READ = 1000;
const READ_AT_ONCE = 8;

/** What stands under a token at two moments; at least one of them. */
interface Pair {
  readonly token: string;
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** Something that was looked at: a difference, or nothing. */
type Step = { readonly token: string; readonly pair?: Pair; readonly reads: number };

/** Something of an index: what is the newest under a token, where that shows. */
interface Own {
  readonly token: string;
  readonly newest?: IndexEntry;
}

/** What is on those pages of an index that another one has not. */
async function* onOwnPages(
  { pages, wholePages }: IndexView,
  reader: IndexPages,
  others: ReadonlySet<string>,
  after: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Own> {
  let last = after;
  const whole = namesOf(wholePages);
  for (const [at, page] of pages.entries()) {
    const next = pages[at + 1]?.firstToken;
    const isWhole = whole.has(indexPageName(page));
    if ((isWhole && others.has(indexPageName(page))) || (next !== undefined && next < after)) continue;
    for (const entry of await reader.read(page, signal)) {
      const { token } = entry;
      if (token <= last) continue;
      last = token;
      // Of the first on a page newer ones may be on the page before.
      yield token === page.firstToken || !isWhole ? { token } : { token, newest: entry };
    }
  }
}

async function* changedIn({ changedTokens }: IndexView, after: string): AsyncGenerator<Own> {
  for (let at = firstAtLeast(changedTokens, after); at < changedTokens.length; at++) {
    const token = changedTokens[at];
    if (token !== undefined && token > after) yield { token };
  }
}

const namesOf = (pages: readonly IndexPage[]): Set<string> => new Set(pages.map((page) => indexPageName(page)));

function isSameEntry(a: IndexEntry | undefined, b: IndexEntry | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.version === b.version && asBuffer(a.commitId).equals(b.commitId);
}

/**
 * What differs between two points of a backup. An object that differs has its newest version in one of them on a page that the other has
 * not, or among what has changed since: what pages they have in common is passed over unread.
 */
async function* betweenPoints(
  from: PointSource,
  to: PointSource,
  after: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Step> {
  const [a, b] = [from.index, to.index];
  const own = joinByToken<Record<'inA' | 'inB' | 'changedInA' | 'changedInB', Own>>({
    inA: onOwnPages(a, from.pages, namesOf(b.wholePages), after, signal),
    inB: onOwnPages(b, to.pages, namesOf(a.wholePages), after, signal),
    changedInA: changedIn(a, after),
    changedInB: changedIn(b, after),
  });
  for await (const { token, inA, inB, changedInA, changedInB } of own) {
    const isPlain = changedInA === undefined && changedInB === undefined;
    const before = (isPlain && inA?.newest) || (await a.get(token, signal))[0];
    const now = (isPlain && inB?.newest) || (await b.get(token, signal))[0];
    if (isSameEntry(before, now)) {
      yield { token, reads: 0 };
      continue;
    }
    const pair = { token, before: before && from.itemOf(before), after: now && to.itemOf(now) };
    yield { token, pair, reads: 0 };
  }
}

/** What differs between a point and now. What was written before the point, by the clock of the backend, is as it was then, and not read. */
async function* againstNow(
  from: PointSource,
  to: LiveSource,
  after: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Step> {
  const unchanged = from.unchanged - to.skew;
  const items = { past: from.items(after, signal), live: to.items(after, signal) };
  for await (const { token, past, live } of joinByToken<{ past: Item; live: LiveItem }>(items)) {
    yield await stepOf(token, past, live, unchanged, signal);
  }
}

async function stepOf(
  token: string,
  before: Item | undefined,
  after: LiveItem | undefined,
  unchanged: number,
  signal: AbortSignal | undefined,
): Promise<Step> {
  if (before !== undefined && after !== undefined) {
    if (!before.isThere && !after.isThere) return { token, reads: 0 };
    if (after.written < unchanged) return { token, reads: 0 };
    const [then, now] = [await before.current(signal), await after.current(signal)];
    if (then?.version === now?.version) return { token, reads: 1 };
    return { token, reads: 1, pair: { token, before, after } };
  }
  return { token, reads: 0, pair: { token, before, after } };
}

function differenceType({ before, after }: Pair): Difference['type'] | undefined {
  const [was, is] = [before?.isThere === true, after?.isThere === true];
  if (was && is) return 'changed';
  return was ? 'removed' : is ? 'added' : undefined;
}

type Side = NonNullable<Difference['before']>;

/** What is known of an object at one of the moments. What can't be read is told by its version. */
async function sideOf(
  source: Source,
  item: Item,
  key: string,
  signal: AbortSignal | undefined,
): Promise<Side | undefined> {
  const current = await item.current(signal);
  if (current === undefined) return undefined;
  const { version, modified } = current;
  try {
    const { size } = await source.store.info(key, { signal });
    return { version, modified, size };
  } catch (error) {
    if (!SecureStoreError.is(error) || error.retryable) throw error;
    return { version, modified };
  }
}

interface Named {
  readonly pair: Pair;
  readonly key: string;
  readonly type: Difference['type'];
}

/** A page of the differences between two moments. */
export async function compare(
  from: PointSource,
  to: PointSource | LiveSource,
  request: PageRequest,
): Promise<ComparePage> {
  const { prefix, after, limit, sees, seal, signal } = request;
  const about = ['compare', from.id, to.id, prefix];
  const end = seal.open(after, about);
  const within = from.names.folderOf(prefix);
  const found: Named[] = [];
  let [steps, reads, last] = [MAX_STEPS, MAX_READ, end !== undefined && 'token' in end ? end.token : within];
  let isEnd = true;
  const walk = 'index' in to ? betweenPoints(from, to, last, signal) : againstNow(from, to, last, signal);
  for await (const step of walk) {
    if (!step.token.startsWith(within)) break;
    if (steps-- <= 0 || reads <= 0) {
      isEnd = false;
      break;
    }
    last = step.token;
    await yieldTurn(steps);
    reads -= step.reads;
    const type = step.pair && differenceType(step.pair);
    if (step.pair === undefined || type === undefined) continue;
    const key = await (step.pair.after?.isThere === true ? step.pair.after : step.pair.before)?.name(signal);
    if (key !== undefined && sees(key) && key.startsWith(prefix)) found.push({ pair: step.pair, key, type });
    // At once: whether anything comes after it may not be for whoever asks.
    if (found.length >= limit) {
      isEnd = false;
      break;
    }
  }
  const differences: Difference[] = [];
  const described = mapConcurrently(found, READ_AT_ONCE, (one) => describe(from, to, one, signal));
  for await (const difference of described) differences.push(difference);
  differences.sort((a, b) => byBytes(a.key, b.key));
  return {
    from: from.info,
    to: to.info,
    differences,
    progress: isEnd ? 1 : progressAt(from, prefix, last),
    ...(!isEnd && { after: seal.seal({ token: last }, about) }),
  };
}

async function describe(
  from: Source,
  to: Source,
  { pair, key, type }: Named,
  signal: AbortSignal | undefined,
): Promise<Difference> {
  const before = pair.before?.isThere === true ? await sideOf(from, pair.before, key, signal) : undefined;
  const after = pair.after?.isThere === true ? await sideOf(to, pair.after, key, signal) : undefined;
  return { key, type, ...(before && { before }), ...(after && { after }) };
}
