import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { Alarm, BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { publishHead } from '../repository/destination.ts';
import { IndexPages } from '../repository/index-pages.ts';
import { IndexSet } from '../repository/index-set.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { Points } from '../repository/snapshots.ts';
import type { Evidence } from '../trust/trusted-tip.ts';
import { evidenceOf, isForeign, matchesTip, tipOf, trustedTipAt, rolledBack } from '../trust/trusted-tip.ts';
import type { Before, PlannedPoint } from './snapshot-attempt.ts';
import { SnapshotAttempt } from './snapshot-attempt.ts';
import { NO_TOTALS } from './snapshot-index.ts';
import type { SnapshotOptions, SnapshotReport } from './snapshot-types.ts';
import { isDoubtful, nextAfter, ignoredFileAlarms, readChainTip } from '../trust/chain-tip.ts';
import type { FoundIndex } from '../trust/point-index.ts';
import { indexAt } from '../trust/point-index.ts';

const MAX_TRIES = 4;

/** The label under which a store is read for a destination. */
export function readerLabel({ id }: Pick<Destination, 'id'>): string {
  return `backup/${asBuffer(id).toString('hex')}`;
}

/** The point that the next one is built on: the newest, or if nothing vouches for that, one that the head names. */
async function trustedBase(
  points: Points,
  newest: FoundPoint,
  evidence: Evidence,
  signal: AbortSignal | undefined,
): Promise<FoundPoint | undefined> {
  const { trusted, fence } = evidence;
  // Of an older one with an old key nobody can tell whether it was there before.
  if (trusted === undefined || !newest.isOld || matchesTip(trusted, newest)) return newest;
  if (fence === undefined || fence.number === 0) return undefined;
  const last = await points.readOrDamaged(fence.number, signal);
  return !('error' in last) && matchesTip(fence, last) && !isForeign(evidence, last) ? last : undefined;
}

/** What a snapshot follows, what it is built on, and what is to be told. */
interface SnapshotBasis {
  readonly next: PlannedPoint;
  readonly before: Before | undefined;
  readonly base: FoundIndex;
  readonly alarms: readonly Alarm[];
  /** Whether what was read of the journal may not be there. */
  readonly isDoubtful: boolean;
}

function damageAt({ location }: Destination, message: string): Alarm {
  return {
    type: 'rolled-back',
    name: 's/',
    message: `${location}: ${message}. The whole store is read, and what is damaged is copied again; run verify on the backup`,
  };
}

/** @param damage what an attempt found damaged at the destination: then nothing there is built on */
async function readBasis(
  area: BackupArea,
  destination: Destination,
  pages: IndexPages,
  damage: SecureStoreError | undefined,
  signal: AbortSignal | undefined,
): Promise<SnapshotBasis> {
  const points = new Points(destination, area.seals);
  // Asked first: another run may publish in between.
  const evidence = evidenceOf(area, destination, await trustedTipAt(area, destination, signal));
  const tip = await readChainTip(points, evidence, signal);
  const { newest, damaged } = tip;
  const [top] = damaged;
  const alarm =
    top === undefined ? rolledBack(destination, evidence.trusted, newest) : damageAt(destination, top.error.message);
  const wrong = [alarm, damage && damageAt(destination, damage.message)].filter((one) => one !== undefined);
  const rule = { history: area.head.history, now: area.clock.now(), floor: 0 };
  const nothing: FoundIndex = { index: new IndexSet(pages, [], new Map(), rule), totals: NO_TOTALS };
  const own = newest && (await trustedBase(points, newest, evidence, signal));
  const isNothing = own === undefined || damage !== undefined;
  const base = isNothing ? nothing : await indexAt(points, pages, own, signal);
  const { instance } = area.head;
  // What was removed on purpose only a point that is the store's own tells.
  const lost = { instance, time: 0, others: [], removed: own?.removed ?? [] };
  const next = { ...nextAfter(tip, evidence), expectedTips: [evidence.trusted, newest && tipOf(newest)] };
  const isFirst = newest === undefined && next.number === 1;
  return {
    next,
    before: isFirst ? undefined : isNothing ? lost : own,
    base,
    alarms: [...wrong, ...ignoredFileAlarms(destination, tip)],
    isDoubtful: wrong.length > 0 || isDoubtful(evidence, newest),
  };
}

/**
 * Makes a snapshot: what has changed since the last one, and the whole if there is none, or what lies there is damaged.
 *
 * @throws SecureStoreError `LOCKED`, `CONFLICT` if another run is under way; `ACCESS_DENIED`; `INTEGRITY`; `TOO_LARGE`; what the
 *   backends throw
 */
export async function makeSnapshot(
  area: BackupArea,
  target: { readonly backend: Destination['backend']; readonly location: string },
  options: SnapshotOptions = {},
): Promise<SnapshotReport> {
  const { signal } = options;
  const early: Alarm[] = [];
  let damage: SecureStoreError | undefined;
  // What reads the journal needs the destination's id, which its keys have: and these are made with the store's.
  const settled = await area.prepare(signal);
  const { destination } = await publishHead(area, target, signal);
  for (let tries = 1; ; tries++) {
    const reader = await area.open(readerLabel(destination), (alarm) => early.push(alarm), signal);
    const pages = new IndexPages(destination, area.seals);
    try {
      const { next, before, base, alarms, ...basis } = await readBasis(area, destination, pages, damage, signal);
      early.push(...alarms);
      if (basis.isDoubtful) reader.startOver();
      const attempt = new SnapshotAttempt({ area, destination, options, pages }, next, before, base);
      if (damage === undefined) await attempt.resume();
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
