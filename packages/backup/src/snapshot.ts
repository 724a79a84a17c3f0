import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { Alarm, BackupArea } from '@securestore/objects';
import type { Destination } from './destination.ts';
import { bringHead } from './destination.ts';
import { IndexPages } from './index-pages.ts';
import { IndexSet } from './index-set.ts';
import type { FoundPoint } from './points.ts';
import { Points } from './points.ts';
import type { Remembered } from './remembered.ts';
import { rememberedAt, rolledBack } from './remembered.ts';
import { Attempt, NO_TOTALS } from './snapshot-attempt.ts';
import type { SnapshotOptions, SnapshotReport } from './snapshot-types.ts';
import type { FoundIndex } from './timeline.ts';
import { indexAt } from './timeline.ts';

const MAX_TRIES = 4;

/** The label under which a store is read for a destination. */
export function readerLabel({ id }: Pick<Destination, 'id'>): string {
  return `backup/${asBuffer(id).toString('hex')}`;
}

/** The point that the next one is built on: the newest, or, where that is somebody else's, the last one that the store knows of. */
async function trusted(
  { head }: BackupArea,
  points: Points,
  newest: FoundPoint,
  remembered: Remembered | undefined,
  signal: AbortSignal | undefined,
): Promise<FoundPoint> {
  // Of an older one with an old key nobody can tell whether it was there before.
  const isKnown = remembered === undefined || !newest.isOld || newest.digest.toString('hex') === remembered.digest;
  if (isKnown) return newest;
  const last = await points.read(remembered.number, signal).catch((error: unknown) => {
    if (SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'FORMAT_VERSION')) return undefined;
    throw error;
  });
  if (last?.digest.toString('hex') === remembered.digest) return last;
  // No point builds on none: whoever sees that begins with nothing.
  return { ...newest, instance: head.instance, base: 0, removed: [], pages: [], others: [], totals: NO_TOTALS };
}

/** What makes a point the next one of a chain, whoever has made the one before. */
function follows(newest: FoundPoint | undefined): Partial<Pick<FoundPoint, 'number' | 'digest'>> {
  return newest === undefined ? {} : { number: newest.number, digest: newest.digest };
}

/**
 * Makes a snapshot: what has changed since the last one, and the whole where there is none.
 *
 * @throws SecureStoreError `LOCKED`, `CONFLICT` where another run is under way; `ACCESS_DENIED`; `INTEGRITY`; `TOO_LARGE`; what the
 *   backends throw
 */
export async function makeSnapshot(
  area: BackupArea,
  place: { readonly backend: Destination['backend']; readonly location: string },
  options: SnapshotOptions = {},
): Promise<SnapshotReport> {
  const { signal } = options;
  const early: Alarm[] = [];
  // What reads the journal needs the destination's id, which its keys have: and these are made with the store's.
  const settled = await area.prepare(signal);
  const { destination } = await bringHead(area, place, signal);
  for (let tries = 1; ; tries++) {
    const reader = await area.open(readerLabel(destination), (alarm) => early.push(alarm), signal);
    const points = new Points(destination, area.seals);
    const pages = new IndexPages(destination, area.seals);
    // Asked first: another run may publish in between.
    const remembered = await rememberedAt(area, destination, signal);
    const newest = await points.newest(signal);
    const alarm = rolledBack(remembered, destination, newest);
    if (alarm !== undefined) {
      early.push(alarm);
      reader.startOver();
    }
    const rule = { history: area.head.history, now: area.clock.now(), floor: 0 };
    const nothing: FoundIndex = { index: new IndexSet(pages, [], new Map(), rule), totals: NO_TOTALS };
    const before = newest && (await trusted(area, points, newest, remembered, signal));
    const base = before === undefined || before.base === 0 ? nothing : await indexAt(points, pages, before, signal);
    const last = before && { ...before, ...follows(newest) };
    const attempt = new Attempt(area, destination, options, last, base, pages);
    await attempt.recall();
    try {
      const { report } = await attempt.run(reader, settled);
      return { ...report, alarms: [...early.map(({ message }) => message), ...report.alarms] };
    } catch (error) {
      // Its number was taken: what it has written may have been collected, so it begins anew.
      if (!SecureStoreError.is(error, 'CONFLICT') || tries === MAX_TRIES) throw error;
    }
  }
}
