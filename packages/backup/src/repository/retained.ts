import type { HistorySettings, IndexEntry } from '@securestore/core-format';
import { compareIndexEntries } from '@securestore/core-format';

const DAY = 24 * 60 * 60 * 1000;
const MICROSECONDS = 1000;
/** The store keeps everything for so long, whatever its settings say. */
const LEAST_KEPT = DAY;

/** By what is decided which versions of an object a point has. */
export interface HistoryRule {
  readonly history: HistorySettings;
  /** The time of the point, in milliseconds since 1970. */
  readonly now: number;
  /** The greatest version that the store may have forgotten: what is above it is there. */
  readonly floor: number;
}

/**
 * The versions of one object that a point has: what a purge has left, the newest ones, and those that were replaced not long ago, as
 * the store keeps them. A deletion that nothing is behind any more goes as it does there.
 *
 * @param entries of one object, in any order; those that occur twice count once, the later one
 */
export function retainedVersions(entries: readonly IndexEntry[], { history, now, floor }: HistoryRule): IndexEntry[] {
  const sorted = entries.toSorted(compareIndexEntries);
  const keptFor = Math.max(history.days * DAY, LEAST_KEPT);
  const kept: IndexEntry[] = [];
  for (const entry of sorted) {
    const newer = kept.at(-1);
    if (newer !== undefined && compareIndexEntries(newer, entry) === 0) {
      kept[kept.length - 1] = entry;
      continue;
    }
    // There is nothing before a purge, nor before what was stored when all that was known of the name had been forgotten.
    if (newer?.kind === 'purged' || newer?.first === true) break;
    const replaced = newer === undefined ? undefined : newer.version / MICROSECONDS;
    // The current one is none of the past.
    const isOver = replaced !== undefined && kept.length - 1 >= history.versions && now - replaced >= keptFor;
    if (isOver && entry.version <= floor) break;
    kept.push(entry);
  }
  const [only] = kept;
  const isForgotten =
    kept.length === 1 &&
    only !== undefined &&
    (only.kind === 'tombstone' || only.kind === 'purged') &&
    only.version <= floor &&
    now - only.version / MICROSECONDS >= keptFor;
  return isForgotten ? [] : kept;
}

/** The time that a version carries: when it was stored by the clock of whoever did, in milliseconds since 1970. */
export function timeOfVersion(version: number): number {
  return Math.floor(version / 1000);
}
