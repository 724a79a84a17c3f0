import type { AuditEntry } from '@securestore/core-format';
import {
  decodeAuditBatch,
  decodeAuditEntry,
  encodeBase32,
  isDamage,
  parseAuditName,
  SecureStoreError,
} from '@securestore/core-format';
import type { AuditPlace } from './place.ts';
import type { DamagedPart } from './store-lines.ts';

export interface TailOptions {
  /** How many entries to begin with. Default 20. */
  readonly entries?: number | undefined;
  /** Only what comes before this entry, as entries are told: to go on from the oldest of them. Not together with `follow`. */
  readonly before?: EntryPlace | undefined;
  /** Whether to wait for more, until `signal` aborts. */
  readonly follow?: boolean | undefined;
  /** Is told of a part that can't be read, which is left out; without it, that is an error. */
  readonly onDamaged?: ((part: DamagedPart) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Where an entry stands: by its time, and of one time by number and segment. */
export interface EntryPlace {
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly sequence: number;
  /** In base32. */
  readonly segment: string;
}

export interface SegmentEntry {
  readonly segment: Uint8Array;
  readonly entry: AuditEntry;
}

const DEFAULT_ENTRIES = 20;
/** How often it is looked for more, in milliseconds. */
const LOOK_EVERY = 1000;
/** How many segments are looked at: those that are older have most likely ended. */
const MAX_SEGMENTS = 64;
/** So many parts of one segment are looked through for older entries. */
const MAX_PARTS = 100_000;
/** Sorts after every number in a name. */
const AFTER_ALL = '~';

/** The prefixes of the newest segments, the newest first, skipping what is in them. */
async function* newestSegments(place: AuditPlace, signal: AbortSignal | undefined): AsyncGenerator<string> {
  let after: string | undefined;
  for (let count = 0; count < MAX_SEGMENTS; count++) {
    let prefix: string | undefined;
    for await (const name of place.names(undefined, { after, signal })) {
      prefix = parseAuditName(name)?.prefix;
      break;
    }
    if (prefix === undefined) return;
    yield prefix;
    after = prefix + AFTER_ALL;
  }
}

async function entriesIn(
  place: AuditPlace,
  name: string,
  { signal, onDamaged, before }: TailOptions,
): Promise<SegmentEntry[]> {
  const segment = parseAuditName(name)?.segment;
  try {
    const plaintext = await place.read(name, signal);
    if (segment === undefined || plaintext === undefined) return [];
    const entries = decodeAuditBatch(plaintext).entries.map(({ bytes }) => ({
      segment,
      entry: decodeAuditEntry(bytes),
    }));
    return before === undefined ? entries : entries.filter((one) => compareEntries(placeOf(one), before) < 0);
  } catch (error) {
    if (onDamaged === undefined || !isDamage(error)) throw error;
    onDamaged({ name, message: error.message });
    return [];
  }
}

/** The last entries of a segment, and the name of the part where they end. @param wanted from 1 */
async function lastOf(
  place: AuditPlace,
  prefix: string,
  wanted: number,
  options: TailOptions,
): Promise<{ readonly entries: SegmentEntry[]; readonly last: string }> {
  // A part has one entry at least.
  const names: string[] = [];
  for await (const name of place.names(prefix, { signal: options.signal })) {
    names.push(name);
    if (names.length > (options.before === undefined ? wanted : MAX_PARTS)) names.shift();
  }
  const last = names.at(-1) ?? prefix;
  let entries: SegmentEntry[] = [];
  for (let name = names.pop(); name !== undefined && entries.length < wanted; name = names.pop()) {
    entries = [...(await entriesIn(place, name, options)), ...entries];
  }
  return { entries: entries.slice(-wanted), last };
}

function placeOf({ segment, entry: { time, sequence } }: SegmentEntry): EntryPlace {
  return { time, sequence, segment: encodeBase32(segment) };
}

function compareEntries(a: EntryPlace, b: EntryPlace): number {
  return a.time - b.time || a.sequence - b.sequence || (a.segment < b.segment ? -1 : a.segment > b.segment ? 1 : 0);
}

const inTime = (entries: SegmentEntry[]): SegmentEntry[] =>
  entries.toSorted((a, b) => compareEntries(placeOf(a), placeOf(b)));

/** What was written since, in the known segments and in new ones. @param ends the name of the last part that was read, by segment */
async function newer(place: AuditPlace, ends: Map<string, string>, options: TailOptions): Promise<SegmentEntry[]> {
  const { signal } = options;
  const entries: SegmentEntry[] = [];
  for await (const prefix of newestSegments(place, signal)) {
    const after = ends.get(prefix);
    ends.set(prefix, after ?? prefix);
    for await (const name of place.names(prefix, { after, signal })) {
      entries.push(...(await entriesIn(place, name, options)));
      ends.set(prefix, name);
    }
  }
  return inTime(entries);
}

/** What comes, until `signal` aborts. */
async function* following(
  place: AuditPlace,
  ends: Map<string, string>,
  options: TailOptions,
): AsyncGenerator<SegmentEntry> {
  while (true) {
    try {
      await place.clock.sleep(LOOK_EVERY, options.signal);
    } catch {
      return;
    }
    yield* await newer(place, ends, options);
  }
}

function checkBefore({ before, follow = false }: TailOptions): void {
  if (before === undefined) return;
  const { time, sequence, segment } = before;
  if (Number.isFinite(time) && Number.isSafeInteger(sequence) && typeof segment === 'string' && !follow) return;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    'the option "before" must be an entry that was told, without "follow"',
  );
}

/** Which entries somebody looks for. */
export type Matches = (entry: AuditEntry) => boolean;

/** The newest that match, of the whole log: also those that ended long ago may tell of an object. */
async function searched(
  place: AuditPlace,
  wanted: number,
  matches: Matches,
  options: TailOptions,
): Promise<{ readonly entries: SegmentEntry[]; readonly ends: Map<string, string> }> {
  const ends = new Map<string, string>();
  let found: SegmentEntry[] = [];
  for await (const name of place.names(undefined, { signal: options.signal })) {
    ends.set(parseAuditName(name)?.prefix ?? name, name);
    found.push(...(await entriesIn(place, name, options)).filter(({ entry }) => matches(entry)));
    // Not the whole log at once.
    if (found.length > 2 * wanted + MAX_SEGMENTS) found = inTime(found).slice(found.length - wanted);
  }
  return { entries: wanted === 0 ? [] : inTime(found).slice(-wanted), ends };
}

/**
 * The newest entries of the log in a store, in the order of their times; then, if that is asked for, those that come.
 *
 * @param matches which of them, by default all
 */
export async function* tailOf(
  place: AuditPlace,
  options: TailOptions,
  matches?: Matches,
): AsyncGenerator<SegmentEntry> {
  const { entries: wanted = DEFAULT_ENTRIES, follow = false, signal } = options;
  if (!Number.isSafeInteger(wanted) || wanted < 0) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "entries" must be a whole number, 0 or more');
  }
  checkBefore(options);
  if (matches !== undefined) {
    const { entries, ends } = await searched(place, wanted, matches, options);
    yield* entries;
    if (!follow) return;
    for await (const come of following(place, ends, options)) if (matches(come.entry)) yield come;
    return;
  }
  const ends = new Map<string, string>();
  const found: SegmentEntry[] = [];
  for await (const prefix of newestSegments(place, signal)) {
    const { entries, last } = await lastOf(place, prefix, Math.max(wanted, 1), options);
    ends.set(prefix, last);
    found.push(...entries);
  }
  const sorted = inTime(found);
  yield* wanted === 0 ? [] : sorted.slice(-wanted);
  if (follow) yield* following(place, ends, options);
}
