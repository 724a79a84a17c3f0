import type { BackupArea } from '@securestore/objects/internal';
import type { CurrentReplicationStatus } from '../trust/replication-status.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { restoredAfter } from '../trust/restore-label.ts';
import type { SnapshotInfo } from '../repository/snapshot-info.ts';
import { infoOf } from '../repository/snapshot-info.ts';
import { neverPoints } from '../trust/chain-tip.ts';
import { windowsOf } from '../trust/recovery-windows.ts';
import type { PooledBackup } from './open-backup-pool.ts';
import { refuseOption } from '../repository/errors.ts';
import type { Timeline, TimelineOptions } from './types.ts';

export const DEFAULT_SNAPSHOTS = 100;
export const MAX_SNAPSHOTS = 1000;

/** How many of a listing are wanted. @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkLimit(limit: unknown, otherwise: number, most: number): number {
  if (limit === undefined) return otherwise;
  const isCount = typeof limit === 'number' && Number.isSafeInteger(limit) && limit >= 1 && limit <= most;
  return isCount ? limit : refuseOption('limit', `must be a whole number from 1 to ${most}`);
}

function checkBefore(before: unknown): number {
  if (before === undefined) return Infinity;
  const isNumber = typeof before === 'number' && Number.isSafeInteger(before) && before >= 1;
  return isNumber ? before : refuseOption('before', 'must be the number of a snapshot');
}

/** The snapshots of a page of the timeline, and the beginning of the next one. @param points the newest first */
function pageOf(
  points: readonly FoundPoint[],
  { before, limit, changes = false }: Pick<TimelineOptions, 'before' | 'limit' | 'changes'>,
): { readonly snapshots: SnapshotInfo[]; readonly before?: number } {
  const [end, most] = [checkBefore(before), checkLimit(limit, DEFAULT_SNAPSHOTS, MAX_SNAPSHOTS)];
  const meant = points.filter(({ number, kind }) => number < end && (changes || kind === 'snapshot'));
  const snapshots = meant.slice(0, most).map(infoOf);
  const last = snapshots.at(-1);
  return { snapshots, ...(meant.length > most && last && { before: last.number }) };
}

/** What can be restored from a destination. @param replication the state of the continuous backup */
export async function timelineOf(
  area: BackupArea,
  { backup }: PooledBackup,
  destination: string,
  replication: CurrentReplicationStatus | undefined,
  { signal, ...options }: Omit<TimelineOptions, 'timeout'>,
): Promise<Timeline> {
  const damaged: number[] = [];
  const found = await Array.fromAsync(backup.found(signal, (number) => damaged.push(number)));
  const never = neverPoints(
    found,
    damaged.map((number) => ({ number })),
  );
  const own = found.filter((point) => !backup.isForeign(point));
  const windows = windowsOf(own, replication?.reached);
  const now = area.clock.now();
  const last = windows[0]?.to;
  // One that collects says the same of the store as the one before.
  const moments = own.filter(({ collects }) => !collects);
  const newest = moments.find(({ label }) => restoredAfter(label) === undefined);
  return {
    destination,
    now: new Date(now),
    ...(last !== undefined && { recoverableTo: last, lag: Math.max(0, now - last.getTime()) }),
    ...(newest && {
      newest: {
        snapshot: newest.number,
        time: last !== undefined && newest === moments[0] ? last : new Date(newest.time),
      },
    }),
    isContinuous: replication?.isAlive === true,
    ...(replication?.error && !replication.isOver && { error: replication.error }),
    windows,
    ...pageOf(
      found.filter(({ collects }) => !collects),
      options,
    ),
    damaged: damaged.filter((number) => !never.has(number)),
  };
}
