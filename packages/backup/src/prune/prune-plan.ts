import { SecureStoreError } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';
import type { DamagedPoint, FoundPoint, Points } from '../repository/snapshots.ts';
import type { Evidence } from '../trust/trusted-tip.ts';
import { foreignPoint, isForeign } from '../trust/trusted-tip.ts';
import { includesNumber } from '../repository/number-ranges.ts';
import type { ChainTip } from '../trust/chain-tip.ts';
import { neverPoints } from '../trust/chain-tip.ts';

/** How many numbers a message lists. */
const MAX_NAMED = 8;

/** Nothing can be removed, since the files that damaged points need are not known. @param remedy what helps */
export function removalBlocked(
  { url }: Destination,
  damaged: readonly Pick<DamagedPoint, 'number' | 'error'>[],
  remedy: 'make-snapshot' | 'remove-damaged-snapshots',
): SecureStoreError {
  const [first] = damaged;
  const numbers = damaged.map(({ number }) => number);
  const which = numbers.length === 1 ? `snapshot ${numbers[0]} is` : `snapshots ${listed(numbers)} are`;
  const why = first === undefined ? '' : `: ${first.error.message}`;
  return new SecureStoreError(
    'INTEGRITY',
    `${which} damaged at ${url}${why}. The files that damaged snapshots need are not known, so nothing was removed.`,
    {
      cause: first?.error,
      advice: [
        { id: remedy, destination: url },
        { id: 'verify-backup', destination: url },
      ],
    },
  );
}

/** The first numbers of a list, as text. */
function listed(numbers: readonly number[]): string {
  const rest = numbers.length - MAX_NAMED;
  return numbers.slice(0, MAX_NAMED).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

/** The points of a destination, except what is damaged after the newest one. */
export interface Contents {
  /** The store's own points, the newest first. */
  readonly found: readonly FoundPoint[];
  /** Those that are damaged. */
  readonly damaged: readonly DamagedPoint[];
  /** Files that have the name of a point between others, and never were one: nothing needs them, and they need nothing. */
  readonly never: readonly DamagedPoint[];
  /** Files with the name of a later point, and foreign points: they are kept, so that operators can see them. */
  readonly strange: readonly DamagedPoint[];
}

export async function readContents(
  points: Points,
  newest: FoundPoint,
  { foreign, junk }: ChainTip,
  evidence: Evidence,
  signal: AbortSignal | undefined,
): Promise<Contents> {
  const found = [newest];
  const unread: DamagedPoint[] = [];
  const others = [...foreign];
  for (const number of await points.numbers(signal)) {
    if (number >= newest.number) continue;
    const point = await points.readOrDamaged(number, signal);
    if ('error' in point) unread.push(point);
    else if (isForeign(evidence, point)) others.push(point);
    else found.push(point);
  }
  const never = neverPoints(found, unread);
  const damaged = unread.filter(({ number }) => !never.has(number));
  const made = others.map(({ number, digest }) => ({ number, digest, error: foreignPoint(number) }));
  return { found, damaged, never: unread.filter(({ number }) => never.has(number)), strange: [...junk, ...made] };
}

/** What is removed, and what is kept because others need it. */
export interface RemovalPlan {
  readonly gone: readonly (FoundPoint | DamagedPoint)[];
  /** Whether a point stays: by itself, or since what stays builds on it. */
  readonly isNeeded: (point: FoundPoint) => boolean;
  /** Whether a point builds on one that is damaged, and so can't be restored. */
  readonly isLost: (point: FoundPoint) => boolean;
}

/**
 * Says what is removed if some points were chosen. The newest stays in any case, and so does the newest that can be restored.
 *
 * @param own the points that were not marked as removed before
 * @throws SecureStoreError `INTEGRITY` if a damaged point was not chosen, or the newest builds on one
 */
export function planRemoval(
  destination: Destination,
  newest: FoundPoint,
  { found, damaged, never, strange }: Contents,
  own: readonly FoundPoint[],
  chosen: ReadonlySet<number>,
): RemovalPlan {
  const unchosen = damaged.filter(({ number }) => !chosen.has(number) && !includesNumber(newest.removed, number));
  if (unchosen.length > 0) throw removalBlocked(destination, unchosen, 'remove-damaged-snapshots');
  // Changes can't be restored without all that they build on.
  const isLost = ({ kind, base, number }: FoundPoint): boolean =>
    kind === 'changes' && damaged.some((one) => one.number >= base && one.number < number);
  if (isLost(newest)) throw removalBlocked(destination, damaged, 'make-snapshot');
  // What an interrupted run has marked as removed is removed now.
  const isGone = ({ number, collects }: FoundPoint): boolean =>
    collects || chosen.has(number) || includesNumber(newest.removed, number);
  const newestWhole = own.find((one) => !isLost(one))?.number;
  const stays = (one: FoundPoint): boolean =>
    one.number === newest.number || one.number === newestWhole || (!isGone(one) && !isLost(one));
  const keptFirst = found.filter(stays);
  // Changes can't be restored without the snapshot that they build on, and those between.
  const bases = new Set(keptFirst.filter(({ kind }) => kind === 'changes').map(({ base }) => base));
  const last = new Map<number, number>();
  for (const { kind, base, number } of keptFirst) {
    if (kind === 'changes') last.set(base, Math.max(last.get(base) ?? 0, number));
  }
  const isNeeded = (one: FoundPoint): boolean => {
    const { number, kind, base } = one;
    return stays(one) || bases.has(number) || (kind === 'changes' && number <= (last.get(base) ?? 0));
  };
  const strangers = strange.filter(({ number }) => chosen.has(number));
  const gone = [...damaged, ...never, ...strangers, ...found.filter((point) => !isNeeded(point))];
  return { gone, isNeeded, isLost };
}
