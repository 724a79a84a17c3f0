import { SecureStoreError } from '@securestore/core-format';
import type { JournalFinding, BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { IndexPages } from '../repository/index-pages.ts';
import { IndexSet } from '../repository/index-set.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { Points } from '../repository/snapshots.ts';
import type { Evidence } from '../trust/trusted-tip.ts';
import { evidenceOf, isForeign, matchesTip, tipOf, trustedTipAt, rolledBack } from '../trust/trusted-tip.ts';
import type { Before, PlannedPoint } from './snapshot-attempt.ts';
import { readerLabel } from './reader-label.ts';
import { SnapshotAttempt } from './snapshot-attempt.ts';
import { NO_TOTALS } from './snapshot-index.ts';
import type { SnapshotOptions, SnapshotReport } from './snapshot-types.ts';
import { isDoubtful, nextAfter, ignoredFileAlarms, readChainTip } from '../trust/chain-tip.ts';
import { failedChecksAt, rememberRepair } from '../trust/failed-checks.ts';
import { publishOverMigrated } from '../trust/migrated-from.ts';
import type { FoundIndex } from '../trust/point-index.ts';
import { indexAt } from '../trust/point-index.ts';

const MAX_TRIES = 4;

/** The point that the next one is built on: the newest, or if that can't be authenticated, one that the head names. */
async function trustedBase(
  points: Points,
  newest: FoundPoint,
  evidence: Evidence,
  signal: AbortSignal | undefined,
): Promise<FoundPoint | undefined> {
  const { trusted, fence } = evidence;
  // Whether an older point with an old key was there before can't be determined.
  if (trusted === undefined || !newest.isOld || matchesTip(trusted, newest)) return newest;
  if (fence === undefined || fence.number === 0) return undefined;
  const last = await points.readOrDamaged(fence.number, signal);
  return !('error' in last) && matchesTip(fence, last) && !isForeign(evidence, last) ? last : undefined;
}

/** What a snapshot follows, what it is built on, and its alarms. */
interface SnapshotBasis {
  readonly next: PlannedPoint;
  readonly before: Before | undefined;
  readonly base: FoundIndex;
  readonly alarms: readonly JournalFinding[];
  /** Whether changes that were read from the journal may be missing at the destination. */
  readonly isDoubtful: boolean;
}

function damageAt({ url }: Destination, message: string): JournalFinding {
  return {
    type: 'rolled-back',
    name: 's/',
    message: `the backup at ${url} is damaged: ${message}. The whole store is read, and damaged files are copied again.`,
  };
}

/** @param damage that an attempt has found at the destination: then the snapshot builds on nothing there */
async function readBasis(
  area: BackupArea,
  destination: Destination,
  pages: IndexPages,
  damage: SecureStoreError | undefined,
  signal: AbortSignal | undefined,
): Promise<SnapshotBasis> {
  const points = new Points(destination, area.seals);
  // Read first: another run may publish in between.
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
  // Only a point of the store itself knows what was removed on purpose.
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

/** The damage of the newest snapshot that the last verification has found, if no backup has repaired it since. */
async function damageFoundAt(
  area: BackupArea,
  { id }: Destination,
  signal: AbortSignal | undefined,
): Promise<SecureStoreError | undefined> {
  const failed = await failedChecksAt(area, id, signal);
  const found = failed.find(({ newest }) => newest === 'damaged');
  return found && new SecureStoreError('INTEGRITY', found.message);
}

/**
 * Makes a snapshot: of the changes since the last one, and of the whole store if there is none, or it is damaged.
 *
 * @throws SecureStoreError `LOCKED`, `CONFLICT` if another run is under way; `ACCESS_DENIED`; `INTEGRITY`; `TOO_LARGE`; what the
 *   backends throw
 */
export async function makeSnapshot(
  area: BackupArea,
  target: { readonly backend: Destination['backend']; readonly url: string },
  options: SnapshotOptions = {},
): Promise<SnapshotReport> {
  const { signal } = options;
  const early: JournalFinding[] = [];
  const atDestination = new Set<string>();
  let damage: SecureStoreError | undefined;
  // The reader of the journal needs the destination's id, which is in its keys: these are made with those of the store.
  const settled = await area.prepare(signal);
  const { destination } = await publishOverMigrated(area, target, signal, options.takeOver);
  damage = await damageFoundAt(area, destination, signal);
  for (let tries = 1; ; tries++) {
    const reader = await area.open(readerLabel(destination), (alarm) => early.push(alarm), signal);
    const pages = new IndexPages(destination, area.seals);
    try {
      const { next, before, base, alarms, ...basis } = await readBasis(area, destination, pages, damage, signal);
      for (const { message } of alarms) atDestination.add(message);
      if (basis.isDoubtful) reader.startOver();
      const attempt = new SnapshotAttempt({ area, destination, options, pages }, next, before, base);
      if (damage === undefined) await attempt.resume();
      const { report } = await attempt.run(reader, settled);
      if (damage !== undefined) await rememberRepair(area, destination.id);
      // Callers know by its place which finding tells how many objects are missing: the first one.
      const findings = [...new Set([...report.findings, ...early.map(({ message }) => message), ...atDestination])];
      return { ...report, findings, destinationFindings: [...atDestination] };
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
      if (SecureStoreError.is(error, 'INTEGRITY') && damage === undefined) damage = error;
      // Its number was taken: its files may have been removed as unneeded, so it starts again.
      else if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
  }
}
