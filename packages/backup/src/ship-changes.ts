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
import type { Remembered } from './remembered.ts';
import { evidenceOf, knownAs, remember, rememberedAt, rolledBack } from './remembered.ts';
import { readerLabel } from './snapshot.ts';
import { isDoubtful, nextAfter, passedOver, surveyOf } from './survey.ts';
import { indexAt } from './timeline.ts';

/** What a delta keeps of the past of an object: everything, since what becomes of it the snapshot before decides. */
const EVERYTHING = { versions: Number.MAX_SAFE_INTEGER, days: 1_000_000 };

export type OnAlarm = (alarm: Alarm) => void;

/** What is known of the newest point while changes are shipped. */
export interface Position {
  readonly destination: Destination;
  readonly newest: FoundPoint;
  /** What the store knows of the destination. */
  readonly known: Remembered | undefined;
  /** Of the next point. */
  readonly number: number;
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
  const evidence = evidenceOf(area, destination, await rememberedAt(area, destination, signal));
  const { known } = evidence;
  const survey = await surveyOf(points, evidence, signal);
  const { newest, damaged } = survey;
  const isWhole = damaged.length === 0 && rolledBack(destination, known, newest) === undefined;
  if (newest === undefined || !isWhole || isDoubtful(evidence, newest)) return undefined;
  for (const alarm of passedOver(destination, survey)) onAlarm(alarm);
  const { number } = nextAfter(survey, evidence);
  const reader = await area.open(readerLabel(destination), onAlarm, signal);
  const found = await indexUnlessDamaged(points, pages, newest, signal);
  if (found === undefined) return undefined;
  const { index, snapshot } = found;
  const changes = new Map([...index.changes].map(([token, entries]) => [token, [...entries]]));
  const [basePages, snapshotMade] = [snapshot.pages, snapshot.made];
  return { destination, newest, known, number, reader, pages, points, changes, basePages, snapshotMade };
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
  { destination, newest, known, number, reader, pages, points, basePages, changes }: Position,
  { onAlarm, isAlive, signal }: ShipOptions,
): Promise<Shipped | undefined> {
  const { clock, seals } = area;
  const index = new IndexSet(pages, basePages, changes, { history: EVERYTHING, now: clock.now(), floor: 0 });
  const copier = new Copier({ area, destination, epoch: number, signal, onCopied: () => undefined }, index);
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
  const writer = new IndexWriter(destination, seals, number, signal);
  await new IndexSet(pages, [], entries, { history: EVERYTHING, now: cut.time, floor: 0 }).write(writer, signal);
  const delta = await writer.finish();
  const generation = await followHead(area, destination, newest, signal);
  const next = changesPoint(area, newest, { number, generation, time: cut.time, pages: delta, added: shipped.copied });
  const point = await points.publish(next, signal);
  await remember(area, destination, knownAs(point), [known, knownAs(newest)], signal);
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
