import { asBuffer, isDamage, SecureStoreError } from '@securestore/core-format';
import type { Alarm, BackupArea } from '@securestore/objects';
import type { Destination } from './destination.ts';
import { bringHead } from './destination.ts';
import { IndexPages } from './index-pages.ts';
import { IndexSet } from './index-set.ts';
import type { FoundPoint } from './points.ts';
import { Points } from './points.ts';
import type { Remembered } from './remembered.ts';
import { evidenceOf, isForeign, rememberedAt, rolledBack } from './remembered.ts';
import type { Before } from './snapshot-attempt.ts';
import { Attempt } from './snapshot-attempt.ts';
import { NO_TOTALS } from './snapshot-index.ts';
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
  area: BackupArea,
  destination: Destination,
  points: Points,
  newest: FoundPoint,
  remembered: Remembered | undefined,
  signal: AbortSignal | undefined,
): Promise<FoundPoint> {
  // Of an older one with an old key nobody can tell whether it was there before.
  const isOlder = remembered !== undefined && newest.isOld && newest.digest.toString('hex') !== remembered.digest;
  const evidence = evidenceOf(area, destination, remembered);
  if (!isOlder && !isForeign(evidence, newest)) return newest;
  for (const own of [remembered, evidence.fence]) {
    if (own === undefined || own.number === 0) continue;
    const last = await points.read(own.number, signal).catch((error: unknown) => {
      if (isDamage(error)) return undefined;
      throw error;
    });
    const isOwn = last?.digest.toString('hex') === own.digest;
    if (last !== undefined && isOwn && !isForeign(evidence, last)) return last;
  }
  // No point builds on none: whoever sees that begins with nothing.
  return { ...newest, instance: area.head.instance, base: 0, removed: [], pages: [], others: [], totals: NO_TOTALS };
}

/** What a snapshot follows, what it is built on, and what is to be told. */
interface Standing {
  readonly last: Before | undefined;
  readonly base: FoundIndex;
  readonly alarms: readonly Alarm[];
}

function damageAt({ location }: Destination, message: string): Alarm {
  return {
    type: 'rolled-back',
    name: 's/',
    message: `${location}: ${message}. The whole store is read, and what is damaged is copied again; run verify on the backup`,
  };
}

/** @param damage what an attempt found damaged at the destination: then nothing there is built on */
async function standingAt(
  area: BackupArea,
  destination: Destination,
  pages: IndexPages,
  damage: SecureStoreError | undefined,
  signal: AbortSignal | undefined,
): Promise<Standing> {
  const points = new Points(destination, area.seals);
  // Asked first: another run may publish in between.
  const remembered = await rememberedAt(area, destination, signal);
  const { newest, damaged } = await points.newestWhole(signal);
  const [top] = damaged;
  const alarm =
    top === undefined ? rolledBack(area, destination, remembered, newest) : damageAt(destination, top.error.message);
  const alarms = [alarm, damage && damageAt(destination, damage.message)].filter((one) => one !== undefined);
  const rule = { history: area.head.history, now: area.clock.now(), floor: 0 };
  const nothing: FoundIndex = { index: new IndexSet(pages, [], new Map(), rule), totals: NO_TOTALS };
  const before = newest && (await trusted(area, destination, points, newest, remembered, signal));
  const isNothing = before === undefined || before.base === 0 || damage !== undefined;
  const base = isNothing ? nothing : await indexAt(points, pages, before, signal);
  // What was removed on purpose only a point that is the store's own tells.
  const removed = before === undefined || before.base === 0 ? [] : before.removed;
  const own = isNothing ? { instance: area.head.instance, time: 0, others: [], removed } : before;
  // Whoever has made the one before, and whatever became of it: the next one follows it.
  const { number, digest } = top ?? newest ?? { number: 0, digest: Buffer.alloc(32) };
  return { last: number === 0 ? undefined : { ...own, number, digest }, base, alarms };
}

/**
 * Makes a snapshot: what has changed since the last one, and the whole where there is none, or what lies there is damaged.
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
  let damage: SecureStoreError | undefined;
  // What reads the journal needs the destination's id, which its keys have: and these are made with the store's.
  const settled = await area.prepare(signal);
  const { destination } = await bringHead(area, place, signal);
  for (let tries = 1; ; tries++) {
    const reader = await area.open(readerLabel(destination), (alarm) => early.push(alarm), signal);
    const pages = new IndexPages(destination, area.seals);
    try {
      const { last, base, alarms } = await standingAt(area, destination, pages, damage, signal);
      early.push(...alarms);
      if (alarms.length > 0) reader.startOver();
      const attempt = new Attempt(area, destination, options, last, base, pages);
      if (damage === undefined) await attempt.recall();
      const { report } = await attempt.run(reader, settled);
      return { ...report, alarms: [...new Set([...early.map(({ message }) => message), ...report.alarms])] };
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
      if (SecureStoreError.is(error, 'INTEGRITY') && damage === undefined) damage = error;
      // Its number was taken: what it has written may have been collected, so it begins anew.
      else if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
  }
}
