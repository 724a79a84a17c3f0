import { SecureStoreError } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import type { FoundMoment } from '../trust/moment.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { PointChoice } from '../repository/snapshot-info.ts';

/** A {@link FoundMoment} with points by their numbers, and times as milliseconds since 1970. */
interface Pinned extends Omit<FoundMoment, 'point' | 'settled' | 'gap'> {
  readonly point: number;
  readonly settled?: number;
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
    point: point.number,
    ...(settled && { settled: settled.number }),
    ...(gap && { gap: { from: gap.from.getTime(), ...(gap.to && { to: gap.to.getTime() }) } }),
  };
  return Buffer.from(JSON.stringify(pinned), 'utf8');
}

/**
 * The moment that a restore was begun with.
 *
 * @param pin as {@link pinOf} made it
 * @throws SecureStoreError `ALREADY_EXISTS` if its point is gone: what was begun can't go on; `INTEGRITY` if it is damaged; what the backend throws
 */
export async function pinnedMoment(
  { points, destination }: OpenedBackup,
  pin: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<FoundMoment> {
  const { point, settled, gap, ...rest } = JSON.parse(Buffer.from(pin).toString('utf8')) as Pinned;
  const numbers = new Set(await points.numbers(signal));
  const pointOf = async (number: number): Promise<FoundPoint> => {
    if (numbers.has(number)) return points.read(number, signal);
    throw new SecureStoreError(
      'ALREADY_EXISTS',
      `a restore was begun here of snapshot ${number}, which is gone from ${destination.location}, and was not finished. It can not go on. ` +
        'To start over, delete everything at this location and restore again, or choose an empty location',
    );
  };
  return {
    ...rest,
    point: await pointOf(point),
    ...(settled !== undefined && { settled: await pointOf(settled) }),
    ...(gap && { gap: { from: new Date(gap.from), ...(gap.to !== undefined && { to: new Date(gap.to) }) } }),
  };
}

/** What is to be told of a restore that went on with another moment than what was asked for means now. */
export async function pinWarnings(
  { points, destination }: OpenedBackup,
  { number }: FoundMoment,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const [newest = 0] = await points.numbers(signal);
  if (newest <= number) return [];
  return [
    `${destination.location}: this went on with a restore that was begun before, of snapshot ${number}; what snapshot ${newest} and others ` +
      'have besides is not restored',
  ];
}
