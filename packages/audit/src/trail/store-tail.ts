import type { AuditEntry } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { following } from './following.ts';
import { KnownSegments, MAX_SEGMENTS } from '../store/known-segments.ts';
import { newestOf } from './newest-entries.ts';
import type { AuditArea } from '../store/place.ts';
import type { SegmentEntry, TailOptions } from './tail-types.ts';
import { compareEntries, entriesOfPart, inTime, placeOf } from './tail-types.ts';

/** Made when it is needed: formatting a number loads data of languages, which takes longer than opening a store. */
function cutMessage(): string {
  const most = MAX_SEGMENTS.toLocaleString('en');
  return `only the ${most} segments of the log that were written last were read. Older entries may be missing.`;
}

const DEFAULT_ENTRIES = 20;
/** So many more than are wanted are kept until they are put in order. */
const MORE = 64;

function checkBefore({ before, follow = false }: TailOptions): void {
  if (before === undefined) return;
  const { time, sequence, segment } = before;
  if (Number.isFinite(time) && Number.isSafeInteger(sequence) && typeof segment === 'string' && !follow) return;
  throw new SecureStoreError('INVALID_ARGUMENT', 'the option "before" must be an entry of the log, without "follow"', {
    option: 'before',
  });
}

/** Which entries somebody looks for. */
export type Matches = (entry: AuditEntry) => boolean;

/** The newest that match, of the whole log: also those that ended long ago may tell of an object. */
async function searched(
  place: AuditArea,
  wanted: number,
  matches: Matches,
  options: TailOptions,
): Promise<{ readonly entries: SegmentEntry[]; readonly known: KnownSegments }> {
  const { signal, before } = options;
  const known = new KnownSegments();
  let found: SegmentEntry[] = [];
  let after: string | undefined;
  let pages = 0;
  do {
    const page = await place.page({ after, signal });
    pages++;
    for (const part of page.parts) {
      known.note(part);
      for (const one of await entriesOfPart(place, part.name, options)) {
        const isOlder = before === undefined || compareEntries(placeOf(one), before) < 0;
        if (isOlder && matches(one.entry)) found.push(one);
      }
      // Not the whole log at once.
      if (found.length > 2 * wanted + MORE) found = inTime(found).slice(found.length - wanted);
    }
    after = page.next;
  } while (after !== undefined);
  known.passed(pages, false);
  return { entries: wanted === 0 ? [] : inTime(found).slice(-wanted), known };
}

/**
 * The newest entries of the log in a store, in the order of their times; then, if that is asked for, those that come.
 *
 * @param known what is known of the log, to be kept for the next time
 * @param matches which of them, by default all
 */
export async function* tailOf(
  place: AuditArea,
  known: KnownSegments,
  options: TailOptions,
  matches?: Matches,
): AsyncGenerator<SegmentEntry> {
  const { entries: wanted = DEFAULT_ENTRIES, follow = false, signal } = options;
  if (!Number.isSafeInteger(wanted) || wanted < 0) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "entries" must be a whole number from 0', {
      option: 'entries',
    });
  }
  checkBefore(options);
  if (matches !== undefined) {
    const found = await searched(place, wanted, matches, options);
    yield* found.entries;
    if (!follow) return;
    for await (const come of following(place, found.known, options)) if (matches(come.entry)) yield come;
    return;
  }
  await known.look(place, signal);
  // Before anything is read: what comes meanwhile is told afterwards.
  const begin = follow ? known.fork() : undefined;
  if (wanted > 0) {
    const { entries, isCut } = await newestOf(place, known, wanted, options);
    if (isCut) options.onCut?.({ message: cutMessage() });
    yield* entries;
  }
  if (begin === undefined) return;
  begin.learnEnds(known);
  yield* following(place, begin, options);
}
