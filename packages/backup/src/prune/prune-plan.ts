import { SecureStoreError } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';
import type { DamagedPoint, FoundPoint, Points } from '../repository/snapshots.ts';
import type { Evidence } from '../trust/trusted-tip.ts';
import { foreignPoint, isForeign } from '../trust/trusted-tip.ts';
import { includesNumber } from '../repository/number-ranges.ts';
import type { ChainTip } from '../trust/chain-tip.ts';
import { neverPoints } from '../trust/chain-tip.ts';

/** What to do about damaged points, when others are to be removed. */
export const REMOVE_DAMAGED = 'Remove these, too: a retention does that with "damaged"';

/** That nothing can be removed, since nobody knows what damaged points need. */
export function removalBlocked(
  { location }: Destination,
  damaged: readonly Pick<DamagedPoint, 'number' | 'error'>[],
  advice: string,
): SecureStoreError {
  const [first] = damaged;
  const numbers = damaged.map(({ number }) => number).join(', ');
  return new SecureStoreError(
    'INTEGRITY',
    `${location}: damaged: ${numbers} (${first?.error.message ?? ''}), so nobody knows what is needed there; nothing was removed. ${advice}`,
    { cause: first?.error },
  );
}

/** What lies at a destination, but for what is damaged after the newest point. */
export interface Contents {
  /** The store's own points, the newest first. */
  readonly found: readonly FoundPoint[];
  /** Those that are damaged. */
  readonly damaged: readonly DamagedPoint[];
  /** What has the name of a point between others, and never was one: nothing needs it, and it needs nothing. */
  readonly never: readonly DamagedPoint[];
  /** So it is with what has the name of a later one, or was made by somebody else: that is left for people to see. */
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

/** What goes, and what stays for the sake of what. */
export interface RemovalPlan {
  readonly gone: readonly (FoundPoint | DamagedPoint)[];
  /** Whether a point stays: by itself, or since what stays builds on it. */
  readonly isNeeded: (point: FoundPoint) => boolean;
  /** Whether a point builds on one that is damaged, and so can't be restored. */
  readonly isLost: (point: FoundPoint) => boolean;
}

/**
 * Says what goes when points were chosen to go. The newest stays in any case, and so does the newest that can be restored.
 *
 * @param own those of the points that were not announced to go
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
  if (unchosen.length > 0) throw removalBlocked(destination, unchosen, REMOVE_DAMAGED);
  // Changes are nothing without all that they build on.
  const isLost = ({ kind, base, number }: FoundPoint): boolean =>
    kind === 'changes' && damaged.some((one) => one.number >= base && one.number < number);
  if (isLost(newest)) throw removalBlocked(destination, damaged, 'Make a snapshot');
  // What was announced to be gone by a run that did not come to its end goes now.
  const isGone = ({ number, collects }: FoundPoint): boolean =>
    collects || chosen.has(number) || includesNumber(newest.removed, number);
  const newestWhole = own.find((one) => !isLost(one))?.number;
  const stays = (one: FoundPoint): boolean =>
    one.number === newest.number || one.number === newestWhole || (!isGone(one) && !isLost(one));
  const keptFirst = found.filter(stays);
  // Changes are nothing without the snapshot that they build on, and those between.
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
