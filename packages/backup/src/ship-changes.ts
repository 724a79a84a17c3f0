import type { IndexEntry, IndexPage } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { Alarm, BackupArea, Change, Consumer } from '@securestore/objects';
import type { FailedCopy } from './copier.ts';
import { Copier } from './copier.ts';
import type { Destination } from './destination.ts';
import { bringHead } from './destination.ts';
import { FailedCopies } from './failed-copies.ts';
import { IndexPages, IndexWriter } from './index-pages.ts';
import { IndexSet } from './index-set.ts';
import { changesPoint } from './next-point.ts';
import type { FoundPoint } from './points.ts';
import { Points } from './points.ts';
import { remember, rememberedAt, rolledBack } from './remembered.ts';
import { readerLabel } from './snapshot.ts';
import { indexAt } from './timeline.ts';

/** What a delta keeps of the past of an object: everything, since what becomes of it the snapshot before decides. */
const EVERYTHING = { versions: Number.MAX_SAFE_INTEGER, days: 1_000_000 };

export type OnAlarm = (alarm: Alarm) => void;

/** What is known of the newest point while changes are shipped. */
export interface Position {
  readonly destination: Destination;
  readonly newest: FoundPoint;
  readonly reader: Consumer;
  readonly pages: IndexPages;
  readonly points: Points;
  readonly basePages: readonly IndexPage[];
  readonly changes: Map<string, IndexEntry[]>;
  readonly snapshotMade: number;
}

/** The index of a point, and the snapshot that it builds on; `undefined` where they are damaged. */
async function indexUnlessDamaged(
  ...of: Parameters<typeof indexAt>
): Promise<Awaited<ReturnType<typeof indexAt>> | undefined> {
  try {
    return await indexAt(...of);
  } catch (error) {
    if (SecureStoreError.is(error, 'INTEGRITY')) return undefined;
    throw error;
  }
}

/** Where a destination stands; `undefined` where nothing is there that changes can follow. */
export async function positionAt(
  area: BackupArea,
  place: Pick<Destination, 'backend' | 'location'>,
  onAlarm: OnAlarm,
  signal: AbortSignal,
): Promise<Position | undefined> {
  await area.prepare(signal);
  const { destination } = await bringHead(area, place, signal);
  const points = new Points(destination, area.seals);
  const pages = new IndexPages(destination, area.seals);
  // Asked first: another run may publish in between.
  const remembered = await rememberedAt(area, destination, signal);
  const { newest, damaged } = await points.newestWhole(signal);
  const isWhole = damaged.length === 0 && rolledBack(area, destination, remembered, newest) === undefined;
  if (newest === undefined || !isWhole) return undefined;
  const reader = await area.open(readerLabel(destination), onAlarm, signal);
  const found = await indexUnlessDamaged(points, pages, newest, signal);
  if (found === undefined) return undefined;
  const { index, snapshot } = found;
  const changes = new Map([...index.changes].map(([token, entries]) => [token, [...entries]]));
  const [basePages, snapshotMade] = [snapshot.pages, snapshot.made];
  return { destination, newest, reader, pages, points, changes, basePages, snapshotMade };
}

interface ShipOptions {
  readonly onAlarm: OnAlarm;
  /** Whether the newest point is new enough to show that somebody ships. */
  readonly isAlive: boolean;
  readonly signal: AbortSignal;
}

/** What was shipped. */
interface Shipped {
  /** What was acknowledged before this can be restored. */
  readonly time: number;
  readonly failed: readonly FailedCopy[];
  /** Absent where nothing has changed. */
  readonly point?: FoundPoint;
  readonly copied: { readonly versions: number; readonly bytes: number };
}

/** Ships what has changed since the newest point. @returns `undefined` where the journal does not tell all of it */
export async function shipChanges(
  area: BackupArea,
  { destination, newest, reader, pages, points, basePages, changes }: Position,
  { onAlarm, isAlive, signal }: ShipOptions,
): Promise<Shipped | undefined> {
  const { clock, seals } = area;
  const epoch = newest.number + 1;
  const index = new IndexSet(pages, basePages, changes, { history: EVERYTHING, now: clock.now(), floor: 0 });
  const copier = new Copier({ area, destination, epoch, signal, onCopied: () => undefined }, index);
  const cut = await reader.cut((change: Change) => copier.visit(change), signal);
  for (const alarm of cut.alarms) onAlarm(alarm);
  if (reader.passDue) return undefined;
  await copier.flush();
  await copier.added.finish(area.keyOrder, signal);
  const { failed, versions, bytes } = copier;
  await new FailedCopies(destination, seals).add(failed, signal);
  const shipped = { time: cut.time, failed, copied: { versions, bytes } };
  const { entries } = copier.added;
  if (entries.size === 0 && isAlive) {
    await reader.commit();
    return shipped;
  }
  const writer = new IndexWriter(destination, seals, epoch, signal);
  await new IndexSet(pages, [], entries, { history: EVERYTHING, now: cut.time, floor: 0 }).write(writer, signal);
  const delta = await writer.finish();
  const generation = await followHead(area, destination, newest, signal);
  const next = changesPoint(area, newest, { generation, time: cut.time, pages: delta, added: shipped.copied });
  const point = await points.publish(next, signal);
  await remember(area, destination, point, signal);
  await reader.commit();
  for (const [token, added] of entries) changes.set(token, [...(changes.get(token) ?? []), ...added]);
  return { ...shipped, point };
}

/** What a point needs to be opened is there before the point is. @returns the generation of what is there, at least */
async function followHead(
  area: BackupArea,
  destination: Destination,
  newest: FoundPoint,
  signal: AbortSignal,
): Promise<number> {
  await area.confirm(signal);
  if (area.head.generation === newest.generation) return newest.generation;
  return (await bringHead(area, destination, signal)).generation;
}
