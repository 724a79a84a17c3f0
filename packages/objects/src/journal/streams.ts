import type { Hint, PendingEntry, StreamCursor, WriterRegistration } from '@securestore/core-format';
import {
  decodeBase32,
  decodeHint,
  decodeWriter,
  hintName,
  hintSequence,
  ID_LENGTH,
  journalPrefix,
  workName,
  workPrefix,
} from '@securestore/core-format';
import type { ListEntry } from '@securestore/backend-api';
import type { Engine } from '../engine/engine.ts';
import { mapConcurrently } from '../util/map-concurrently.ts';
import { entriesUnder, listPage } from '../util/listing.ts';
import { isForged, readSystemObject } from '../engine/sealed-objects.ts';
import type { JournalFinding } from './alarms.ts';
import { damaged, missingHints } from './alarms.ts';

const CONCURRENT_READS = 32;

/** What lies in a slot of a stream. */
type Slot = { readonly hint: Hint; readonly modified: number } | 'damaged' | 'nothing';

/** What reading one slot leads to. */
export interface Step {
  /** The sequence number to go on with. */
  readonly next: number;
  readonly closed: boolean;
  readonly entries: readonly PendingEntry[];
  readonly alarm?: JournalFinding | undefined;
  /** Whether hints were skipped that the consumer has not seen. */
  readonly gap: boolean;
}

/** The writers that are registered. */
export async function listWriters(engine: Engine, signal?: AbortSignal): Promise<Buffer[]> {
  const prefix = workPrefix('writer');
  const ids: Buffer[] = [];
  for await (const { key } of entriesUnder(engine.backend, prefix, { signal })) {
    // Another name no release has put there.
    const id = decodeBase32(key.slice(prefix.length));
    if (id?.length === ID_LENGTH) ids.push(id);
  }
  return ids;
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`, and what the backend throws */
export async function readRegistration(
  engine: Engine,
  writer: Uint8Array,
  signal?: AbortSignal,
): Promise<(WriterRegistration & { readonly etag: string; readonly modified: number }) | undefined> {
  const found = await readSystemObject(engine, 'writer', workName('writer', writer), signal);
  return found && { ...decodeWriter(found.plaintext), etag: found.etag, modified: found.modified };
}

export async function readSlot(engine: Engine, name: string, signal?: AbortSignal): Promise<Slot> {
  try {
    const found = await readSystemObject(engine, 'hint', name, signal);
    return found === undefined ? 'nothing' : { hint: decodeHint(found.plaintext), modified: found.modified };
  } catch (error) {
    if (isForged(error)) return 'damaged';
    throw error;
  }
}

async function floorOf(engine: Engine, writer: Uint8Array, signal?: AbortSignal): Promise<number> {
  try {
    const registration = await readRegistration(engine, writer, signal);
    return registration?.floor ?? 0;
  } catch (error) {
    if (isForged(error)) return 0;
    throw error;
  }
}

function stepOver(writer: Uint8Array, sequence: number, slot: Exclude<Slot, 'nothing'>): Step {
  const next = sequence + 1;
  if (slot === 'damaged') {
    return { next, closed: false, entries: [], alarm: damaged('damaged-hint', hintName(writer, sequence)), gap: true };
  }
  const { hint, modified } = slot;
  const entries = hint.entries.map((entry) => ({ ...entry, written: modified }));
  return { next, closed: hint.kind === 'close', entries, gap: false };
}

async function stepOverGap(engine: Engine, writer: Uint8Array, from: number, to: number): Promise<Step> {
  const first = Math.max(from, await floorOf(engine, writer));
  const alarm = first < to ? missingHints(writer, first, to) : undefined;
  return { next: to, closed: false, entries: [], alarm, gap: true };
}

/** How far a stream is read. */
export interface ReadStreamOptions {
  /** Only hints that were written before this time by the backend's clock, in milliseconds since 1970. */
  readonly before?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** From slot `from` to the one at `sequence`, which holds `slot`. */
async function* stepsTo(
  engine: Engine,
  writer: Uint8Array,
  from: number,
  { sequence, slot }: { readonly sequence: number; readonly slot: Exclude<Slot, 'nothing'> },
  { before = Number.POSITIVE_INFINITY, signal }: ReadStreamOptions,
): AsyncGenerator<Step> {
  let next = from;
  // A listing may pass a slot just before it is filled: what seems to be missing is looked for.
  while (next < sequence) {
    const skipped = await readSlot(engine, hintName(writer, next), signal);
    if (skipped === 'nothing') break;
    if (typeof skipped === 'object' && skipped.modified >= before) return;
    yield stepOver(writer, next, skipped);
    next += 1;
  }
  if (next < sequence) {
    // Anybody can put garbage far ahead: only a genuine hint shows that those before it are missing.
    if (slot === 'damaged') {
      const alarm = damaged('damaged-hint', hintName(writer, sequence));
      yield { next, closed: false, entries: [], alarm, gap: true };
      return;
    }
    yield await stepOverGap(engine, writer, next, sequence);
  }
  yield stepOver(writer, sequence, slot);
}

/** Reads a stream from its cursor on. The hint before must still be there, unless it was removed rightly. */
export async function* readStream(
  engine: Engine,
  { writer, next: start }: StreamCursor,
  options: ReadStreamOptions,
): AsyncGenerator<Step> {
  const { before = Number.POSITIVE_INFINITY, signal } = options;
  const prefix = journalPrefix(writer);
  let next = start;
  let previous = start === 0;
  const read = async ({ key }: ListEntry): Promise<{ sequence: number; slot: Slot }> => {
    const sequence = hintSequence(prefix, key) ?? -1;
    return { sequence, slot: sequence < start ? 'nothing' : await readSlot(engine, key, signal) };
  };
  let after = start < 2 ? undefined : hintName(writer, start - 2);
  for (let more = true; more;) {
    const page = await listPage(engine.backend, prefix, after === undefined ? { signal } : { after, signal });
    after = page.entries.at(-1)?.key;
    const wanted = page.entries.filter(({ modified }) => modified < before);
    for await (const { sequence, slot } of mapConcurrently(wanted, CONCURRENT_READS, read)) {
      if (sequence === start - 1) previous = true;
      if (sequence < next || slot === 'nothing') continue;
      for await (const step of stepsTo(engine, writer, next, { sequence, slot }, options)) {
        ({ next } = step);
        yield step;
        if (step.closed) return;
      }
    }
    more = page.more && wanted.length === page.entries.length;
  }
  if (!previous && (await floorOf(engine, writer, signal)) < start) {
    yield { next, closed: false, entries: [], alarm: missingHints(writer, start - 1, start), gap: true };
  }
}
