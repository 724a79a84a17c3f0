import type { IndexEntry, IndexPage } from '@securestore/core-format';
import type { JournalFinding, BackupArea, Change, Consumer } from '@securestore/objects/internal';
import { CatchUpBuffer } from './catch-up-buffer.ts';
import type { FailedCopy } from '../repository/upload.ts';
import { Copier } from '../repository/upload.ts';
import type { Destination } from '../repository/destination.ts';
import { publishHead } from '../repository/destination.ts';
import { hasCode, withFallback } from '../repository/errors.ts';
import { FailedCopies } from '../repository/run-state-files.ts';
import { IndexPages, IndexWriter } from '../repository/index-pages.ts';
import { IndexSet } from '../repository/index-set.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { changesPoint, Points } from '../repository/snapshots.ts';
import { publishOverMigrated } from '../trust/migrated-from.ts';
import type { TrustedTip } from '../trust/registry.ts';
import { evidenceOf, tipOf, trustTip, trustedTipAt, rolledBack } from '../trust/trusted-tip.ts';
import { readerLabel } from '../snapshot/reader-label.ts';
import { isDoubtful, nextAfter, ignoredFileAlarms, readChainTip } from '../trust/chain-tip.ts';
import { indexAt } from '../trust/point-index.ts';
import { timeOfVersion } from '../repository/retained.ts';

/** What a delta keeps of the past of an object: everything, since what becomes of it the snapshot before decides. */
const EVERYTHING = { versions: Number.MAX_SAFE_INTEGER, days: 1_000_000 };

export type OnAlarm = (alarm: JournalFinding) => void;

/** What is known of the newest point while changes are shipped. */
export interface Position {
  readonly destination: Destination;
  readonly newest: FoundPoint;
  /** What the store knows of the destination. */
  readonly trusted: TrustedTip | undefined;
  /** Of the next point. */
  readonly number: number;
  readonly reader: Consumer;
  readonly pages: IndexPages;
  readonly points: Points;
  readonly basePages: readonly IndexPage[];
  readonly changes: Map<string, IndexEntry[]>;
  readonly snapshotMade: number;
}

/** Where a destination stands; `undefined` if nothing is there that changes can follow. */
export async function positionAt(
  area: BackupArea,
  target: Pick<Destination, 'backend' | 'url'>,
  onAlarm: OnAlarm,
  signal: AbortSignal,
): Promise<Position | undefined> {
  await area.prepare(signal);
  const { destination } = await publishOverMigrated(area, target, signal);
  const points = new Points(destination, area.seals);
  const pages = new IndexPages(destination, area.seals);
  // Asked first: another run may publish in between.
  const evidence = evidenceOf(area, destination, await trustedTipAt(area, destination, signal));
  const { trusted } = evidence;
  const tip = await readChainTip(points, evidence, signal);
  const { newest, damaged } = tip;
  const isWhole = damaged.length === 0 && rolledBack(destination, trusted, newest) === undefined;
  if (newest === undefined || !isWhole || isDoubtful(evidence, newest)) return undefined;
  for (const alarm of ignoredFileAlarms(destination, tip)) onAlarm(alarm);
  const { number } = nextAfter(tip, evidence);
  const reader = await area.open(readerLabel(destination), onAlarm, signal);
  const found = await withFallback(hasCode('INTEGRITY'), undefined, () => indexAt(points, pages, newest, signal));
  if (found === undefined) return undefined;
  const { index, snapshot } = found;
  const changes = new Map([...index.changes].map(([token, entries]) => [token, [...entries]]));
  const [basePages, snapshotMade] = [snapshot.pages, snapshot.made];
  return { destination, newest, trusted, number, reader, pages, points, changes, basePages, snapshotMade };
}

interface ShipOptions {
  readonly onAlarm: OnAlarm;
  /** Whether the newest point is new enough to show that somebody ships. */
  readonly isAlive: boolean;
  /** Up to when it is known that nothing has changed since the newest point, by the clock of the store's backend. */
  readonly since: number;
  /** Milliseconds from one cut to the next. */
  readonly interval: number;
  readonly signal: AbortSignal;
}

/** What was shipped. */
interface Shipped {
  /** What was acknowledged before this can be restored. */
  readonly time: number;
  readonly failed: readonly FailedCopy[];
  /** From where it goes on: as before if nothing has changed. */
  readonly position: Position;
  /** How many points were published. */
  readonly points: number;
  readonly copied: { readonly versions: number; readonly bytes: number };
}

/** A cut so much later than what was known before, in milliseconds, or so many intervals, leaves out moments in between. */
const STEADY = 10_000;
const STEADY_INTERVALS = 4;

/**
 * Until when a cut tells all moments since.
 *
 * @param since up to when it is known that nothing has changed
 * @param interval milliseconds from one cut to the next
 */
export function steadyUntil(since: number, interval: number): number {
  return since + Math.max(STEADY, STEADY_INTERVALS * interval);
}

/** A run of copying towards the next point. */
function copierFor(area: BackupArea, position: Position, signal: AbortSignal): Copier {
  const { destination, number, pages, basePages, changes } = position;
  const index = new IndexSet(pages, basePages, changes, { history: EVERYTHING, now: area.clock.now(), floor: 0 });
  return new Copier({ area, destination, epoch: number, signal, onCopied: () => undefined }, index);
}

/** Publishes what was copied as the point after the newest. @returns from where it goes on */
async function publish(
  area: BackupArea,
  position: Position,
  { pending, versions, bytes }: Copier,
  { time, gap }: { readonly time: number; readonly gap: boolean },
  signal: AbortSignal,
): Promise<Position> {
  const { destination, newest, trusted, number, pages, points, changes } = position;
  const writer = new IndexWriter(destination, area.seals, number, signal);
  await new IndexSet(pages, [], pending.entries, { history: EVERYTHING, now: time, floor: 0 }).write(writer, signal);
  const delta = await writer.finish();
  const generation = await publishNewerHead(area, destination, newest, signal);
  const facts = { number, generation, time, gap, pages: delta, added: { versions, bytes } };
  const point = await points.publish(changesPoint(area, newest, facts), signal);
  await trustTip(area, destination, tipOf(point), [trusted, tipOf(newest)], signal);
  for (const [token, entries] of pending.entries) changes.set(token, [...(changes.get(token) ?? []), ...entries]);
  return { ...position, newest: point, trusted: tipOf(point), number: point.number + 1 };
}

/**
 * Ships what has changed since the newest point: as one point, or as one for each moment where much time has passed since it was looked
 * last.
 *
 * @returns `undefined` if the journal does not tell all of it
 */
export async function shipChanges(
  area: BackupArea,
  position: Position,
  { onAlarm, isAlive, since, interval, signal }: ShipOptions,
): Promise<Shipped | undefined> {
  const { reader, newest } = position;
  const { clock, seals, capabilities } = area;
  let buffer = clock.now() > steadyUntil(since, interval) ? new CatchUpBuffer() : undefined;
  let copier = copierFor(area, position, signal);
  const copyAll = async (changes: readonly Change[]): Promise<void> => {
    for (const change of changes) await copier.visit(change);
  };
  // Whether a writer's clock is so slow that a version seems to be older than the last cut.
  let seemsOlder = false;
  const cut = await reader.cut(async (change) => {
    seemsOlder ||= timeOfVersion(change.header.version) < since;
    if (buffer === undefined) return copier.visit(change);
    if (buffer.take(change)) return undefined;
    const all = buffer.release();
    buffer = undefined;
    return copyAll(all);
  }, signal);
  for (const alarm of cut.alarms) onAlarm(alarm);
  if (reader.passDue) return undefined;
  const { clockSkew, modifiedResolution } = capabilities;
  // What is announced within the resolution of the clock belongs together.
  const apart = Math.ceil(interval / modifiedResolution) * modifiedResolution;
  const steps = buffer?.steps({ after: newest.time, until: cut.time, interval: apart, skew: clockSkew });
  const failed: FailedCopy[] = [];
  const copied = { versions: 0, bytes: 0 };
  let [now, points] = [position, 0];
  const finish = async (time: number, isNeeded: boolean, isSteady: boolean): Promise<void> => {
    await copier.pending.finish(area.keyOrder, signal);
    await new FailedCopies(now.destination, seals).add(copier.failed, signal);
    failed.push(...copier.failed);
    copied.versions += copier.versions;
    copied.bytes += copier.bytes;
    const hasChanged = copier.pending.entries.size > 0;
    if (!hasChanged && !isNeeded) return;
    now = await publish(area, now, copier, { time, gap: hasChanged && !isSteady }, signal);
    points += 1;
  };
  if (steps === undefined || steps.length === 0) {
    await copyAll(buffer?.release() ?? []);
    // A point of that cut keeps it from being taken for something that was there before.
    if (seemsOlder && since > newest.time) {
      const facts = { time: since, gap: false };
      now = await publish(area, now, copierFor(area, now, signal), facts, signal);
      points += 1;
    }
    await finish(cut.time, !isAlive, cut.time <= steadyUntil(since, interval));
  } else {
    for (const { time, changes } of steps) {
      copier = copierFor(area, now, signal);
      // Until then the store was as the point before says.
      if (time - apart > now.newest.time) await finish(time - apart, true, true);
      copier = copierFor(area, now, signal);
      await copyAll(changes);
      await finish(time, false, true);
    }
  }
  await reader.commit();
  return { time: cut.time, failed, position: now, points, copied };
}

/** What a point needs to be opened is there before the point is. @returns the generation of what is there, at least */
async function publishNewerHead(
  area: BackupArea,
  destination: Destination,
  newest: FoundPoint,
  signal: AbortSignal,
): Promise<number> {
  await area.confirm(signal);
  if (area.head.generation === newest.generation) return newest.generation;
  return (await publishHead(area, destination, signal)).generation;
}
