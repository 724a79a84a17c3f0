import type { IndexEntry, IndexPage, PointTotals } from '@securestore/core-format';
import type { IndexPages, IndexWriter, Versions } from './index-pages.ts';
import type { HistoryRule } from './retained.ts';
import { retainedVersions } from './retained.ts';

/** The first place of so many in order that is not before what is looked for; their number where all are. */
export function lowerBound(length: number, isBefore: (position: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const NOTHING: readonly IndexEntry[] = [];
const NOBODY: ReadonlySet<string> = new Set();

/** Where the first of sorted texts is that is not before `least`. */
export function firstAtLeast(sorted: readonly string[], least: string): number {
  return lowerBound(sorted.length, (at) => (sorted[at] ?? '') < least);
}

/** The first page whose first token is not before `token`. */
export function firstFrom(pages: readonly IndexPage[], token: string): number {
  return lowerBound(pages.length, (at) => (pages[at]?.firstToken ?? '') < token);
}

/** The first entry of a page that is not before `token`. */
function firstEntry(entries: readonly IndexEntry[], token: string): number {
  return lowerBound(entries.length, (at) => (entries[at]?.token ?? '') < token);
}

/** The first entry of a page that comes after all those of `token`. */
function firstEntryAfter(entries: readonly IndexEntry[], token: string): number {
  return lowerBound(entries.length, (at) => (entries[at]?.token ?? '') <= token);
}

/**
 * An index: pages, and what has changed since they were written. Changes hold whole new versions; what becomes of the others the rule
 * says.
 */
export class IndexSet {
  readonly pages: readonly IndexPage[];
  readonly changes: ReadonlyMap<string, readonly IndexEntry[]>;
  readonly #reader: IndexPages;
  readonly #rule: HistoryRule;
  readonly #gone: ReadonlySet<string>;
  #sorted: string[] | undefined;

  /** @param gone objects that are forgotten: what the pages have of them is over */
  constructor(
    reader: IndexPages,
    pages: readonly IndexPage[],
    changes: ReadonlyMap<string, readonly IndexEntry[]>,
    rule: HistoryRule,
    gone: ReadonlySet<string> = NOBODY,
  ) {
    this.#reader = reader;
    this.pages = pages;
    this.changes = changes;
    this.#rule = rule;
    this.#gone = gone;
  }

  /** The versions of an object, the newest first. @throws SecureStoreError `INTEGRITY`, and what the backend throws */
  async get(token: string, signal?: AbortSignal): Promise<readonly IndexEntry[]> {
    // The versions of an object may begin on the page before the first one that begins with it.
    let at = Math.max(0, firstFrom(this.pages, token) - 1);
    let found: readonly IndexEntry[] = NOTHING;
    for (let page = this.pages[at]; page !== undefined && page.firstToken <= token; page = this.pages[++at]) {
      const entries = await this.#reader.read(page, signal);
      // Cut out: to read the whole history of an object asks for all of its versions once for each.
      const own = entries.slice(firstEntry(entries, token), firstEntryAfter(entries, token));
      found = found.length === 0 ? own : [...found, ...own];
    }
    const isChanged = this.changes.has(token) || this.#gone.has(token);
    return isChanged ? this.#retained(token, found).entries : found;
  }

  /** Those of its pages of which every entry counts, but for what has changed since. */
  get wholePages(): readonly IndexPage[] {
    return this.pages;
  }

  /** The tokens of what has changed since its pages were written, in order. */
  get changedTokens(): readonly string[] {
    this.#sorted ??= [...new Set([...this.changes.keys(), ...this.#gone])].toSorted((a, b) => (a < b ? -1 : 1));
    return this.#sorted;
  }

  /** All objects from `from` on, in the order of tokens. @throws as {@link get} */
  async *objects(from = '', signal?: AbortSignal): AsyncGenerator<Versions> {
    const changed = this.changedTokens;
    let next = firstAtLeast(changed, from);
    for await (const { token, entries } of this.#pagedObjects(from, signal)) {
      for (let before = changed[next]; before !== undefined && before < token; before = changed[++next]) {
        yield this.#retained(before, NOTHING);
      }
      if (changed[next] !== token) {
        yield { token, entries };
        continue;
      }
      next += 1;
      yield this.#retained(token, entries);
    }
    for (; next < changed.length; next++) yield this.#retained(changed[next] ?? '', NOTHING);
  }

  #retained(token: string, before: readonly IndexEntry[]): Versions {
    const known = this.#gone.has(token) ? NOTHING : before;
    return { token, entries: retainedVersions([...known, ...(this.changes.get(token) ?? NOTHING)], this.#rule) };
  }

  /** Objects of which the pages have what the rule keeps no more; at most so many. @throws as {@link get} */
  async outdated(limit: number, signal?: AbortSignal): Promise<string[]> {
    const tokens: string[] = [];
    for await (const { token, entries } of this.objects('', signal)) {
      if (retainedVersions(entries, this.#rule).length === entries.length) continue;
      tokens.push(token);
      if (tokens.length === limit) break;
    }
    return tokens;
  }

  async *#pagedObjects(from: string, signal: AbortSignal | undefined): AsyncGenerator<Versions> {
    let current: { token: string; entries: IndexEntry[] } | undefined;
    for (let at = Math.max(0, firstFrom(this.pages, from) - 1); at < this.pages.length; at++) {
      const page = this.pages[at];
      if (page === undefined) break;
      for (const entry of await this.#reader.read(page, signal)) {
        if (entry.token < from) continue;
        if (entry.token !== current?.token) {
          if (current !== undefined) yield current;
          current = { token: entry.token, entries: [] };
        }
        current.entries.push(entry);
      }
    }
    if (current !== undefined) yield current;
  }

  /**
   * Writes pages in which the changes are, and takes those that nothing has changed in.
   *
   * @returns by how much the totals of the changed objects are others
   */
  async write(writer: IndexWriter, signal?: AbortSignal): Promise<PointTotals> {
    const { pages } = this;
    const changed = this.changedTokens;
    const totals = { objects: 0, deleted: 0, versions: 0, bytes: 0 };
    let next = 0;
    const emit = async (token: string, before: readonly IndexEntry[]): Promise<void> => {
      if (changed[next] !== token) return writer.add({ token, entries: before });
      next += 1;
      const after = this.#retained(token, before);
      count(totals, before, -1);
      count(totals, after.entries, 1);
      await writer.add(after);
    };
    const emitBefore = async (token: string | undefined): Promise<void> => {
      while (true) {
        const one = changed[next];
        if (one === undefined || (token !== undefined && one >= token)) return;
        await emit(one, NOTHING);
      }
    };
    let carried: { token: string; entries: IndexEntry[] } | undefined;
    for (const [at, page] of pages.entries()) {
      signal?.throwIfAborted();
      if (carried === undefined) await emitBefore(page.firstToken);
      const end = pages[at + 1]?.firstToken;
      const nextChanged = changed[next];
      const isUntouched = nextChanged === undefined || (end !== undefined && nextChanged > end);
      if (isUntouched && carried === undefined && writer.atBoundary) {
        writer.take(page);
        continue;
      }
      for (const entry of await this.#reader.read(page, signal)) {
        if (entry.token !== carried?.token) {
          if (carried !== undefined) await emit(carried.token, carried.entries);
          await emitBefore(entry.token);
          carried = { token: entry.token, entries: [] };
        }
        carried.entries.push(entry);
      }
      if (carried !== undefined && carried.token !== end) {
        await emit(carried.token, carried.entries);
        carried = undefined;
      }
    }
    if (carried !== undefined) await emit(carried.token, carried.entries);
    await emitBefore(undefined);
    return totals;
  }
}

function count(
  totals: { -readonly [K in keyof PointTotals]: number },
  entries: readonly IndexEntry[],
  by: 1 | -1,
): void {
  const [current] = entries;
  if (current === undefined) return;
  if (current.kind === 'object') totals.objects += by;
  else totals.deleted += by;
  totals.versions += by * entries.length;
  const blobs = new Set<string>();
  for (const { size, blob } of entries) {
    totals.bytes += by * size;
    if (blob === undefined) continue;
    const id = Buffer.from(blob.blobId).toString('latin1');
    if (!blobs.has(id)) totals.bytes += by * blob.sealedLength;
    blobs.add(id);
  }
}

/** An index of what is no object: parts of the audit log, which never change and are all kept. */
export function auditLogIndex(
  reader: IndexPages,
  pages: readonly IndexPage[],
  added: ReadonlyMap<string, readonly IndexEntry[]> = new Map(),
): IndexSet {
  return new IndexSet(reader, pages, added, { history: { versions: 0, days: 0 }, now: 0, floor: 0 });
}
