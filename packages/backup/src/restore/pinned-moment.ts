import { pointName, SecureStoreError } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { damagedFile, hasCode, MissingFile, withFallback } from '../repository/errors.ts';
import type { FoundMoment } from '../trust/moment.ts';
import { momentId } from '../trust/moment.ts';
import type { TrustedTip } from '../trust/registry.ts';
import { matchesTip, tipOf } from '../trust/trusted-tip.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { PointChoice } from '../repository/snapshot-info.ts';

const isMissing = (error: unknown): boolean => error instanceof MissingFile;

/** A {@link FoundMoment} with points by number and digest, and times as milliseconds since 1970. */
interface Pinned extends Omit<FoundMoment, 'point' | 'settled' | 'gap'> {
  readonly point: TrustedTip;
  readonly settled?: TrustedTip;
  readonly gap?: { readonly from: number; readonly to?: number };
}

/** What is asked for, whatever it means at the moment: the same command gives the same. */
export function askedFor(
  { id }: Pick<Destination, 'id'>,
  { snapshot, at, prefix = '' }: PointChoice & { readonly prefix?: string | undefined },
): Buffer {
  const choice = [snapshot ?? null, at?.getTime() ?? null, prefix];
  return Buffer.concat([id, Buffer.from(JSON.stringify(choice), 'utf8')]);
}

/** What is kept of a moment, so that a restore goes on with it though the backup has gone on. */
export function pinOf({ point, settled, gap, ...rest }: FoundMoment): Buffer {
  const pinned: Pinned = {
    ...rest,
    point: tipOf(point),
    ...(settled && { settled: tipOf(settled) }),
    ...(gap && { gap: { from: gap.from.getTime(), ...(gap.to && { to: gap.to.getTime() }) } }),
  };
  return Buffer.from(JSON.stringify(pinned), 'utf8');
}

/**
 * The moment that a restore was begun with.
 *
 * @param pin as {@link pinOf} made it
 * @throws SecureStoreError `ALREADY_EXISTS` if a point of it is gone, so that the restore can't go on; `INTEGRITY` if one is damaged, or
 *   another one lies in its place; errors of the backend
 */
export async function pinnedMoment(
  { points, destination }: OpenedBackup,
  pin: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<FoundMoment> {
  const { point, settled, gap, ...rest } = JSON.parse(Buffer.from(pin).toString('utf8')) as Pinned;
  const pointOf = async (tip: TrustedTip): Promise<FoundPoint> => {
    const found = await withFallback(isMissing, undefined, () => points.read(tip.number, signal));
    if (found === undefined) {
      throw new SecureStoreError(
        'ALREADY_EXISTS',
        `a restore was begun here of snapshot ${rest.number}, which is gone from ${destination.location}, and was not finished. It can not go on. ` +
          'To start over, delete everything at this location and restore again, or choose an empty location',
      );
    }
    if (matchesTip(tip, found)) return found;
    throw damagedFile(pointName(tip.number), 'it is another point than when the restore was begun');
  };
  return {
    ...rest,
    point: await pointOf(point),
    ...(settled !== undefined && { settled: await pointOf(settled) }),
    ...(gap && { gap: { from: new Date(gap.from), ...(gap.to !== undefined && { to: new Date(gap.to) }) } }),
  };
}

/** What the choice would have meant now could not be told: then nothing is said of it. */
const isUntold = hasCode('INTEGRITY', 'NOT_FOUND', 'ROLLBACK');

/** The warning about a restore that was resumed with another moment than its choice means now. */
export async function pinWarnings(
  backup: OpenedBackup,
  moment: FoundMoment,
  choice: PointChoice,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const now = await withFallback(isUntold, undefined, () => backup.choose(choice, signal));
  if (now === undefined || momentId(now) === momentId(moment)) return [];
  return [
    `${backup.destination.location}: this went on with a restore that was begun before, of snapshot ${moment.number}; what snapshot ` +
      `${now.number} and others have besides is not restored`,
  ];
}
