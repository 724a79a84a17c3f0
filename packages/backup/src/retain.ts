import { SecureStoreError } from '@securestore/core-format';
import type { ForgetReport } from './forget.ts';
import type { SnapshotInfo } from './opened-backup.ts';
import type { KeptPoint, RetentionPolicy } from './retention/index.ts';
import { applyRetention, parseRetentionPolicy } from './retention/index.ts';

const DAY = 24 * 60 * 60 * 1000;
/** How long every second can be restored where a destination is backed up to continuously. */
const DEFAULT_CONTINUOUS: number = 7 * DAY;

/** How much of the past a destination keeps. */
export interface RetentionSettings extends RetentionPolicy {
  /**
   * How long, in milliseconds, every second can be restored where a destination is backed up to continuously; by default 7 days. Of what
   * is older, the snapshots stay that the other rules keep.
   */
  readonly continuous?: number | undefined;
  /** Whose days, weeks, months and years are meant: an IANA name. Default `UTC`. */
  readonly timeZone?: string | undefined;
}

/** What a retention keeps and removes. */
export interface RetentionReport {
  /** Snapshots that stay, and why, the newest first. */
  readonly kept: readonly KeptPoint[];
  /** Numbers of the snapshots that go. */
  readonly removed: readonly number[];
  /** How many of the moments between snapshots go. */
  readonly removedChanges: number;
  /** What was removed; absent where it was only asked what would be. */
  readonly done?: ForgetReport;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkRetention(settings: RetentionSettings): void {
  const { continuous, timeZone, ...policy } = settings;
  parseRetentionPolicy(policy);
  applyRetention([], {}, { now: 0, timeZone });
  if (continuous !== undefined && !(Number.isFinite(continuous) && continuous >= 0)) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "continuous" must be a number of milliseconds');
  }
}

/** What a destination keeps by its settings. @param now milliseconds since 1970 by the backend's clock */
export function planRetention(
  points: readonly SnapshotInfo[],
  { continuous = DEFAULT_CONTINUOUS, timeZone, ...policy }: RetentionSettings,
  now: number,
): { readonly report: RetentionReport; readonly numbers: readonly number[] } {
  const snapshots = points.filter(({ kind }) => kind === 'snapshot');
  const judged = snapshots.map(({ number, time }) => ({ number, time: time.getTime(), good: true }));
  const { kept, removed } = applyRetention(judged, policy, { now, timeZone });
  const newest = Math.max(0, ...points.map(({ time }) => time.getTime()));
  const isOld = ({ kind, time }: SnapshotInfo): boolean => kind === 'changes' && time.getTime() < newest - continuous;
  const changes = points.filter(isOld).map(({ number }) => number);
  return { report: { kept, removed, removedChanges: changes.length }, numbers: [...removed, ...changes] };
}
