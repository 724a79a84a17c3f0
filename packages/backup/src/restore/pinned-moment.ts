import { pointName, SecureStoreError } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { damagedFile, hasCode, MissingFile, withFallback } from '../repository/errors.ts';
import type { FoundMoment } from '../trust/moment.ts';
import { momentId } from '../trust/moment.ts';
import type { TrustedTip } from '../trust/registry.ts';
import { matchesTip, tipOf } from '../trust/trusted-tip.ts';
import type { OpenedBackup } from '../trust/opened-backup.ts';
import type { RecoveryPointChoice } from '../repository/snapshot-info.ts';

const isMissing = (error: unknown): boolean => error instanceof MissingFile;

/** A {@link FoundMoment} with points by number and digest, and times as milliseconds since 1970. */
interface Pinned extends Omit<FoundMoment, 'point' | 'settled' | 'gap'> {
  readonly point: TrustedTip;
  readonly settled?: TrustedTip;
  readonly gap?: { readonly from: number; readonly to?: number };
}

/** The choice of the caller, whichever point it means now: the same call gives the same bytes. */
export function askedFor(
  { id }: Pick<Destination, 'id'>,
  { snapshot, at, prefix = '' }: RecoveryPointChoice & { readonly prefix?: string | undefined },
): Buffer {
  const choice = [snapshot ?? null, at?.getTime() ?? null, prefix];
  return Buffer.concat([id, Buffer.from(JSON.stringify(choice), 'utf8')]);
}

/** A moment as it is kept, so that a restore is resumed with it though the backup has newer points. */
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
 * @throws SecureStoreError `ALREADY_EXISTS` if a point of it is gone, so that the restore can't be resumed; `INTEGRITY` if one is damaged, or
 *   was replaced; errors of the backend
 */
export async function pinnedMoment(
  { recoveryPoints, destination }: OpenedBackup,
  pin: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<FoundMoment> {
  const { point, settled, gap, ...rest } = JSON.parse(Buffer.from(pin).toString('utf8')) as Pinned;
  const pointOf = async (tip: TrustedTip): Promise<FoundPoint> => {
    const found = await withFallback(isMissing, undefined, () => recoveryPoints.read(tip.number, signal));
    if (found === undefined) {
      throw new SecureStoreError(
        'ALREADY_EXISTS',
        `the interrupted restore of snapshot ${rest.number} cannot be resumed: ${destination.url} does not have it any more`,
        { advice: [{ id: 'choose-store-url' }] },
      );
    }
    if (matchesTip(tip, found)) return found;
    throw damagedFile(pointName(tip.number), 'it was replaced since the restore began');
  };
  return {
    ...rest,
    point: await pointOf(point),
    ...(settled !== undefined && { settled: await pointOf(settled) }),
    ...(gap && { gap: { from: new Date(gap.from), ...(gap.to !== undefined && { to: new Date(gap.to) }) } }),
  };
}

/** Errors of finding out what the choice means now: then there is no warning. */
const isUntold = hasCode('INTEGRITY', 'NOT_FOUND', 'ROLLBACK');

/** The warning about a restore that was resumed with another moment than its choice means now. */
export async function pinWarnings(
  backup: OpenedBackup,
  moment: FoundMoment,
  choice: RecoveryPointChoice,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const now = await withFallback(isUntold, undefined, () => backup.choose(choice, signal));
  if (now === undefined || momentId(now) === momentId(moment)) return [];
  return [
    `the restore was resumed with snapshot ${moment.number} of ${backup.destination.url}. Changes up to snapshot ${now.number} were ` +
      'not restored.',
  ];
}
