import { SecureStoreError } from '@securestore/core-format';
import type { CallOptions } from '@securestore/objects';
import type { BackupArea } from '@securestore/objects/internal';
import { refuse, refuseOption } from '../repository/errors.ts';
import type { FoundDestination } from '../repository/destination.ts';
import type { ForgetReport } from './forget.ts';
import { forgetPoints } from './forget.ts';
import type { ManagedPorts } from '../trust/destinations.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { DamagedPoint } from '../repository/snapshots.ts';
import { registeredAt } from '../trust/registry.ts';
import { removalBlocked } from './prune-plan.ts';
import { includesNumber } from '../repository/number-ranges.ts';
import { restoredAfter } from '../trust/restore-label.ts';
import type { SnapshotInfo } from '../repository/snapshot-info.ts';
import { infoOf } from '../repository/snapshot-info.ts';
import { neverPoints } from '../trust/chain-tip.ts';
import type { KeptRecoveryPoint, RetentionSettings } from '../retention/index.ts';
import { applyRetention, parseRetentionPolicy } from '../retention/index.ts';

const DAY = 24 * 60 * 60 * 1000;
/** How long every second can be restored if a destination has a continuous backup, in milliseconds. */
const DEFAULT_CONTINUOUS: number = 7 * DAY;
/** Keeps every point that is not damaged. */
const ALL_WHOLE: RetentionSettings = { continuous: Number.MAX_SAFE_INTEGER };

export interface RetainOptions extends CallOptions {
  /** Only reports what would be removed. */
  readonly dryRun?: boolean | undefined;
  /** Instead of what was set for the destination. */
  readonly retention?: RetentionSettings | undefined;
  /**
   * Removes damaged snapshots besides those that no rule keeps, and the recovery points that build on them. Without it nothing is removed
   * while there are some, since the files that they need are not known. If no rules are given or set, these are all that is removed. A
   * snapshot whose own file is whole counts as whole, even if a verification found other files of it damaged.
   */
  readonly damaged?: boolean | undefined;
}

/** What a retention keeps and removes. */
export interface RetentionReport {
  /** Snapshots that are kept, and why, the newest first. */
  readonly kept: readonly KeptRecoveryPoint[];
  /** Numbers of the snapshots that are removed, damaged ones among them. */
  readonly removed: readonly number[];
  /** Those of `removed` that are damaged, or have the name of a snapshot and are none; the others are kept by no rule. */
  readonly removedDamaged: readonly number[];
  /** How many of the recovery points between snapshots are removed. */
  readonly removedChanges: number;
  /** The snapshots that were removed; absent in a dry run. */
  readonly done?: ForgetReport;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkRetention(settings: RetentionSettings): void {
  const { continuous, timeZone, ...policy } = settings;
  parseRetentionPolicy(policy);
  applyRetention([], {}, { now: 0, timeZone });
  if (continuous !== undefined && !(Number.isFinite(continuous) && continuous >= 0)) {
    refuseOption('continuous', 'must be a number of milliseconds from 0');
  }
}

/**
 * What a destination keeps by its settings.
 *
 * @param damaged numbers of what is removed besides
 * @param now milliseconds since 1970 by the backend's clock
 */
function planRetention(
  points: readonly SnapshotInfo[],
  damaged: readonly number[],
  { continuous = DEFAULT_CONTINUOUS, timeZone, ...policy }: RetentionSettings,
  now: number,
): { readonly report: RetentionReport; readonly numbers: readonly number[] } {
  const snapshots = points.filter(({ kind }) => kind === 'snapshot');
  // A snapshot that was made before a restore counts for no other one: no restore chooses it by itself.
  const judged = snapshots.map(({ number, time, label }) => {
    return { number, time: time.getTime(), good: restoredAfter(label) === undefined };
  });
  const { kept, removed } = applyRetention(judged, policy, { now, timeZone });
  const newest = Math.max(0, ...points.map(({ time }) => time.getTime()));
  const isOld = ({ kind, time }: SnapshotInfo): boolean => kind === 'changes' && time.getTime() < newest - continuous;
  const changes = points.filter(isOld).map(({ number }) => number);
  const gone = [...removed, ...damaged].toSorted((a, b) => b - a);
  const report = { kept, removed: gone, removedDamaged: damaged, removedChanges: changes.length };
  return { report, numbers: [...gone, ...changes] };
}

type DamagedSnapshot = Pick<DamagedPoint, 'number' | 'error'>;

/** What there is at a destination. */
interface Listed {
  readonly points: readonly SnapshotInfo[];
  readonly damaged: readonly DamagedSnapshot[];
  /** The numbers of files that have the name of a point, and are none of the store's own: nothing needs them. */
  readonly strange: readonly number[];
}

async function listed(backup: OpenedBackup, signal: AbortSignal | undefined): Promise<Listed> {
  const unread: DamagedSnapshot[] = [];
  const all = await Array.fromAsync(backup.found(signal, (number, error) => unread.push({ number, error })));
  const own = all.filter((point) => !backup.isForeign(point));
  const { junk } = await backup.chainTip(signal);
  const never = new Set([...junk.map(({ number }) => number), ...neverPoints(own, unread)]);
  const removed = await backup.recoveryPoints.removedNumbers(signal);
  // What was marked as removed is removed, and a foreign point decides nothing.
  const points = own.filter(({ collects, number }) => !collects && !includesNumber(removed, number));
  const foreign = all.filter((point) => backup.isForeign(point)).map(({ number }) => number);
  return {
    points: points.map((point) => infoOf(point)),
    damaged: unread.filter(({ number }) => !never.has(number)),
    strange: [...never, ...foreign],
  };
}

/** Removes points, damaged ones among them, and the files that only they need. */
export function forgetAt(
  area: BackupArea,
  backup: OpenedBackup,
  destination: FoundDestination,
  choose: (points: readonly SnapshotInfo[], damaged: readonly number[]) => readonly number[],
  signal: AbortSignal | undefined,
): Promise<ForgetReport> {
  const numbers = async (): Promise<ReadonlySet<number>> => {
    const { points, damaged, strange } = await listed(backup, signal);
    const others = [...damaged.map(({ number }) => number), ...strange].toSorted((a, b) => b - a);
    return new Set(choose(points, others));
  };
  return forgetPoints(area, destination, numbers, signal);
}

/** Removes what the settings of a destination do not keep. @param options.now milliseconds since 1970 by the backend's clock */
async function retainAt(
  area: BackupArea,
  backup: OpenedBackup,
  destination: FoundDestination,
  options: Omit<RetainOptions, 'retention'> & { readonly settings: RetentionSettings; readonly now: number },
): Promise<RetentionReport> {
  const { settings, now, dryRun = false, damaged: removesDamaged = false, signal } = options;
  if (dryRun) {
    const { points, damaged, strange } = await listed(backup, signal);
    if (damaged.length > 0 && !removesDamaged) throw removalBlocked(destination, damaged, 'remove-damaged-snapshots');
    const numbers = [...damaged.map(({ number }) => number), ...strange];
    return planRetention(points, removesDamaged ? numbers : [], settings, now).report;
  }
  let planned: RetentionReport | undefined;
  const choose = (points: readonly SnapshotInfo[], damaged: readonly number[]): readonly number[] => {
    const { report, numbers } = planRetention(points, removesDamaged ? damaged : [], settings, now);
    planned = report;
    return numbers;
  };
  const done = await forgetAt(area, backup, destination, choose, signal);
  if (planned === undefined) throw new SecureStoreError('INTERNAL', 'the retention has planned nothing');
  return { ...planned, done };
}

/** As {@link retainAt}, at a destination, by the settings of the call or those that were set. @throws SecureStoreError `INVALID_ARGUMENT` if there are none */
export async function retainDestination(
  { area, destinations }: ManagedPorts,
  destination: string,
  options: Omit<RetainOptions, 'timeout'>,
): Promise<RetentionReport> {
  const name = destinations.nameOf(destination);
  area.checkOpen();
  const rules = options.retention ?? registeredAt(area, name)?.retention;
  const settings = rules ?? (options.damaged === true ? ALL_WHOLE : undefined);
  if (settings === undefined) refuse(`${name} has no retention`, { id: 'set-retention', destination: name });
  checkRetention(settings);
  const { signal } = options;
  const now = (await area.backendNow(signal)) ?? area.clock.now();
  return destinations.opened(destination, signal, (backup, found) =>
    retainAt(area, backup, found, { ...options, settings, now }),
  );
}
