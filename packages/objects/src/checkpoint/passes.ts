import type { CheckpointEntry, CheckpointTotals } from '@securestore/core-format';
import { AREAS, objectName } from '@securestore/core-format';
import type { Engine } from '../engine/engine.ts';
import { mapConcurrently } from '../util/map-concurrently.ts';
import { inspectRecord } from '../record/inspect-record.ts';
import { entriesUnder } from '../util/listing.ts';
import { compare, nextEntry } from './contradiction.ts';
import { joinByToken } from '../util/merge-by-token.ts';
import type { PageWriter } from './page-writer.ts';
import type { LoadedCheckpoint } from './load.ts';
import { pageOf, readPage } from './load.ts';

const READS = 16;

/** More changed tokens than this are not kept in memory: then all objects are looked at. */
const MAX_CHANGED_TOKENS: number = 64 * 1024;

/** What the making of a checkpoint found. */
export interface Tally {
  /** Names that were looked at. */
  examined: number;
  /** Names of which less or other is there than the checkpoint before says. */
  contradicted: number;
}

/** What goes into pages. */
export interface Source {
  readonly engine: Engine;
  readonly before: LoadedCheckpoint | undefined;
  readonly writer: PageWriter;
  readonly tally: Tally;
  readonly signal: AbortSignal | undefined;
  /** Called for each name that was looked at. */
  readonly onExamined: (() => void) | undefined;
}

async function* allEntries({ engine, before, signal }: Source, from = 0): AsyncGenerator<CheckpointEntry> {
  if (before === undefined) return;
  for (let index = from; index < before.root.pages.length; index++)
    yield* await readPage(engine, before, index, signal);
}

/** @param announced whether somebody who has keys has said that it changes */
async function lookAt(
  { engine, before, tally, signal, onExamined }: Source,
  token: string,
  entry: CheckpointEntry | undefined,
  announced: boolean,
): Promise<CheckpointEntry | undefined> {
  const observed = await inspectRecord(engine, token, objectName(token), signal);
  const found = compare(entry, observed, before?.root.floor);
  // A commit that landed late belongs to the cut that found it.
  const contradiction = announced && found === 'unlisted' ? undefined : found;
  tally.examined += 1;
  if (contradiction !== undefined) tally.contradicted += 1;
  onExamined?.();
  return nextEntry(token, entry, observed, contradiction);
}

async function* listedTokens(engine: Engine, signal: AbortSignal | undefined): AsyncGenerator<{ token: string }> {
  for await (const { key } of entriesUnder(engine.backend, AREAS.objects, { signal })) {
    yield { token: key.slice(AREAS.objects.length) };
  }
}

/** All objects, each read. Pages that come out as before are not written. */
export async function fullPass(source: Source): Promise<void> {
  const { engine, writer, signal } = source;
  const joined = joinByToken<{ entry: CheckpointEntry; listed: { token: string } }>({
    entry: allEntries(source),
    listed: listedTokens(engine, signal),
  });
  const next = mapConcurrently(joined, READS, ({ token, entry }) => lookAt(source, token, entry, false));
  for await (const entry of next) {
    signal?.throwIfAborted();
    if (entry !== undefined) await writer.add(entry);
  }
}

/** The checkpoint before, sealed anew. */
export async function copyPass(source: Source): Promise<void> {
  for await (const entry of allEntries(source)) await source.writer.add(entry);
}

async function* changedIn(tokens: readonly string[]): AsyncGenerator<{ token: string }> {
  for (const token of tokens) yield { token };
}

async function* pageEntries(source: Source, index: number): AsyncGenerator<CheckpointEntry> {
  if (source.before !== undefined) yield* await readPage(source.engine, source.before, index, source.signal);
}

/** One page of the checkpoint before, with what has changed in its range. @returns what it had */
async function mergePage(source: Source, index: number, tokens: readonly string[]): Promise<CheckpointTotals> {
  const had = { object: 0, tombstone: 0, purged: 0 };
  const joined = joinByToken<{ entry: CheckpointEntry; changed: { token: string } }>({
    entry: pageEntries(source, index),
    changed: changedIn(tokens),
  });
  const next = mapConcurrently(joined, READS, async ({ token, entry, changed }) => {
    if (entry !== undefined) had[entry.kind] += 1;
    return changed === undefined ? entry : lookAt(source, token, entry, true);
  });
  for await (const entry of next) if (entry !== undefined) await source.writer.add(entry);
  return had;
}

/** Which changed tokens are in the range of which page; what comes before the first one belongs to it. */
function byPage({ root }: LoadedCheckpoint, tokens: readonly string[]): Map<number, string[]> {
  const changed = new Map<number, string[]>();
  for (const token of tokens) {
    const index = pageOf(root, token) ?? 0;
    const inPage = changed.get(index);
    if (inPage === undefined) changed.set(index, [token]);
    else inPage.push(token);
  }
  return changed;
}

/**
 * The checkpoint before, in which only the changed objects are read, and only the pages that they are in.
 *
 * @param tokens in order
 */
export async function changesPass(source: Source, before: LoadedCheckpoint, tokens: readonly string[]): Promise<void> {
  const { writer, signal } = source;
  const { pages, totals } = before.root;
  const changed = byPage(before, tokens);
  const taken = { ...totals };
  // Without any page, all that there is has changed.
  for (let index = 0; index < Math.max(1, pages.length); index++) {
    signal?.throwIfAborted();
    const page = pages[index];
    const inPage = changed.get(index) ?? [];
    if (page !== undefined && inPage.length === 0 && writer.canTake(page)) {
      writer.take(page);
      continue;
    }
    if (page === undefined && inPage.length === 0) break;
    const had = await mergePage(page === undefined ? { ...source, before: undefined } : source, index, inPage);
    for (const kind of ['object', 'tombstone', 'purged'] as const) taken[kind] -= had[kind];
  }
  writer.count(taken);
}

/** Tokens of what has changed, while they are few enough to be kept. */
export class ChangedTokens {
  #tokens: Set<string> | undefined = new Set();

  /** @param changed `undefined` if anything may have changed */
  add(changed: Iterable<string> | undefined): void {
    if (changed === undefined) this.#tokens = undefined;
    else for (const token of changed) this.#keep(token);
  }

  #keep(token: string): void {
    this.#tokens?.add(token);
    if ((this.#tokens?.size ?? 0) > MAX_CHANGED_TOKENS) this.#tokens = undefined;
  }

  /** In order, each once; `undefined` if all objects are to be looked at. */
  get sorted(): string[] | undefined {
    return this.#tokens && [...this.#tokens].toSorted((a, b) => (a < b ? -1 : 1));
  }
}
