import { byBytes } from '@securestore/core-format';
import type { BrowsePage, Difference, FoundKey, SecureStore, VersionThen } from 'securestore';
import { type Call, type ExitCode, SOME_FAILED } from '../call/call.ts';
import { withStore } from '../store/open.ts';
import { pointOf } from '../backup/point-choice.ts';
import { Commands } from '../errors/hints.ts';
import { refuse, withHints } from '../errors/refuse.ts';
import { count, formatTable, formatTime, printable } from '../terminal/terminal-text.ts';

/** The most that a page holds. */
const PAGE = 500;
/** How much of a listing is held to be put in order. */
const SORTED_AT_ONCE = 100_000;

interface PointOptions {
  readonly at?: string;
  readonly snapshot?: string;
  readonly prefix?: string;
}

export type BrowseOptions = PointOptions;
export type FindOptions = PointOptions;

export interface CompareOptions {
  readonly fromAt?: string;
  readonly fromSnapshot?: string;
  readonly toAt?: string;
  readonly toSnapshot?: string;
  readonly prefix?: string;
}

/** All pages of a listing, one after the other. */
async function* pagesOf<P extends { readonly after?: string }>(
  page: (after: string | undefined) => Promise<P>,
): AsyncGenerator<P> {
  let after: string | undefined;
  do {
    const next = await page(after);
    yield next;
    ({ after } = next);
  } while (after !== undefined);
}

/** What is on pages by the bytes of its keys: all of it, or where there is more so many at a time. */
async function* inOrder<P, T extends { readonly key: string }>(
  pages: AsyncIterable<P>,
  on: (page: P) => readonly T[],
): AsyncGenerator<T> {
  let held: T[] = [];
  const sorted = (): T[] => held.toSorted((a, b) => byBytes(a.key, b.key));
  for await (const page of pages) {
    held.push(...on(page));
    if (held.length < SORTED_AT_ONCE) continue;
    yield* sorted();
    held = [];
  }
  yield* sorted();
}

/** A point, and where it is; without a destination the store as it is now. @throws `INVALID_ARGUMENT` */
function momentOf(call: Call<PointOptions>, destination: string | undefined): object {
  const { options } = call;
  const choice = pointOf(call, options);
  if (destination === undefined && Object.keys(choice).length > 0) {
    refuse('--at and --snapshot need a destination');
  }
  return { ...choice, ...(destination !== undefined && { destination }), prefix: options.prefix };
}

type Entry = BrowsePage['entries'][number];

function entryRow(entry: Entry, shown: (name: string) => string): string[] {
  if (entry.type === 'object') return [String(entry.size ?? ''), formatTime(entry.modified), shown(entry.key)];
  return [entry.type === 'folder' ? '' : `damaged (${entry.code})`, '', shown(entry.key)];
}

/** As {@link withStore}. If the store does not open, the error says how to read a backup without it. */
async function withPoints<T>(
  call: Call,
  destination: string | undefined,
  use: (store: SecureStore) => Promise<T>,
): Promise<T> {
  let isOpen = false;
  const opened = (store: SecureStore): Promise<T> => {
    isOpen = true;
    return use(store);
  };
  try {
    return await withStore(call, opened);
  } catch (error) {
    if (isOpen || destination === undefined) throw error;
    const hint = { text: 'to read the backup without its store', on: ['restore', destination] };
    throw withHints(error, { ...hint, options: { folder: 'FOLDER' } });
  }
}

/** `securestore browse`. */
export async function browse(call: Call<BrowseOptions>, destination: string | undefined): Promise<ExitCode> {
  const { cli, out, options } = call;
  const moment = momentOf(call, destination);
  return await withPoints<ExitCode>(call, destination, async ({ recoveryPoints }) => {
    const entries: Entry[] = [];
    const { signal } = cli;
    for await (const page of pagesOf((after) => recoveryPoints.browse({ ...moment, after, limit: PAGE, signal }))) {
      if (out.json) for (const entry of page.entries) await out.result(entry, () => []);
      else entries.push(...page.entries);
      if (out.closed()) return 0;
    }
    const columns = [{ title: 'SIZE', align: 'right' }, { title: 'MODIFIED' }, { title: 'KEY' }] as const;
    const rows = entries.map((entry) => entryRow(entry, out.name));
    if (!out.json && rows.length > 0) await out.result({}, () => formatTable(columns, rows));
    if (!out.json && rows.length === 0) out.note(options.prefix === undefined ? 'no keys' : 'no keys in this folder');
    return entries.some(({ type }) => type === 'damaged') ? SOME_FAILED : 0;
  });
}

function sinceWhen({ state, modified }: FoundKey): string {
  return state === 'there' ? '' : `  (${state} ${formatTime(modified)})`;
}

/** `securestore find`. */
export async function find(
  call: Call<FindOptions>,
  contains: string,
  destination: string | undefined,
): Promise<ExitCode> {
  const { cli, out } = call;
  const moment = momentOf(call, destination);
  await withStore(call, async ({ recoveryPoints }) => {
    const { signal } = cli;
    const pages = pagesOf((after) => recoveryPoints.find({ ...moment, contains, after, limit: PAGE, signal }));
    let found = 0;
    for await (const name of inOrder(pages, ({ keys }) => keys)) {
      await out.result(name, () => [`${out.name(name.key)}${sinceWhen(name)}`]);
      found += 1;
      if (out.closed()) return;
    }
    if (found === 0) out.note(`no key contains ${printable(JSON.stringify(contains))}`);
  });
}

const MARKS: Readonly<Record<Difference['type'], string>> = { added: '+', removed: '-', changed: '~' };

/** `securestore compare`. */
export async function compare(call: Call<CompareOptions>, destination: string): Promise<ExitCode> {
  const { cli, out, options } = call;
  const from = pointOf(call, { at: options.fromAt, snapshot: options.fromSnapshot }, 'from-');
  const to = pointOf(call, { at: options.toAt, snapshot: options.toSnapshot }, 'to-');
  const { prefix } = options;
  await withStore(call, async ({ recoveryPoints }) => {
    const { signal } = cli;
    const asked = { destination, from, prefix, ...(Object.keys(to).length > 0 && { to }) };
    const counts = { added: 0, removed: 0, changed: 0 };
    const pages = pagesOf((after) => recoveryPoints.compare({ ...asked, after, limit: PAGE, signal }));
    for await (const difference of inOrder(pages, ({ differences }) => differences)) {
      counts[difference.type] += 1;
      await out.result(difference, () => [`${MARKS[difference.type]} ${out.name(difference.key)}`]);
      if (out.closed()) return;
    }
    await out.result({ summary: counts }, () => [
      `${counts.added} added, ${counts.removed} removed, ${counts.changed} changed`,
    ]);
  });
}

/** The versions that a key had, by what the store and a backup keep. */
export async function versions(call: Call, key: string, destination: string): Promise<void> {
  const { cli, out } = call;
  await withStore(call, async ({ recoveryPoints }) => {
    const told = await recoveryPoints.versions(key, { destination, signal: cli.signal });
    if (out.json) {
      for (const version of told.versions) await out.result({ key, ...version }, () => []);
    } else {
      const columns = [
        { title: 'VERSION' },
        { title: 'FROM' },
        { title: 'TO' },
        { title: 'SIZE', align: 'right' },
        { title: 'STATE' },
        { title: 'KEPT IN SNAPSHOT', align: 'right' },
      ] as const;
      await out.result({}, () => formatTable(columns, told.versions.map(versionRow)));
      out.note(count(told.versions.length, 'version'));
      const kept = told.versions.find(({ state, snapshot }) => state === 'there' && snapshot !== undefined);
      if (kept !== undefined)
        out.note(printable(`to print a version: ${versionCommand(call, key, destination, kept)}`));
    }
    if (told.hasMore) out.note('older snapshots, which were not searched, may have more');
  });
}

/** The command that prints the data of a version. Without `--version-id` it would print the one that was current in the snapshot. */
function versionCommand(call: Call, key: string, destination: string, { version, snapshot }: VersionThen): string {
  const options = { key, snapshot: String(snapshot), 'version-id': version, stdout: true };
  return new Commands(call).on(['restore', destination], options);
}

function versionRow({ version, from, to, size, state, snapshot, inStore }: VersionThen): string[] {
  const until = to === undefined ? '' : formatTime(to);
  const where = snapshot === undefined ? (inStore ? 'store alone' : '') : String(snapshot);
  return [
    version,
    formatTime(from),
    until,
    size === undefined ? '' : String(size),
    state === 'there' ? '' : state,
    where,
  ];
}
