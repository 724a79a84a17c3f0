import type { Point } from '@securestore/core-format';
import { asBuffer } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import { publishHead } from '../repository/destination.ts';
import { isConflict, withRetries } from '../repository/errors.ts';
import { isOfSource } from './migrated-from.ts';
import type { Fence, TrustedTip } from './registry.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import { Points } from '../repository/snapshots.ts';
import type { Evidence } from './trusted-tip.ts';
import { evidenceOf, tipOf, trustTip, trustedTipAt, rolledBack } from './trusted-tip.ts';
import { freeAfter, isDoubtful, readChainTip } from './chain-tip.ts';

const MAX_TRIES = 4;

/** The newest point of a destination, and what the next one is called. */
export interface Newest {
  readonly newest: FoundPoint;
  readonly next: number;
}

/** A point that says the same of the store as the newest one, and something of its own of the destination. */
export async function publishRepeat(
  area: BackupArea,
  destination: Destination,
  points: Points,
  { newest, next: number }: Newest,
  note: Pick<Point, 'removed' | 'collects'>,
  signal: AbortSignal | undefined,
): Promise<FoundPoint> {
  const { generation } = await publishHead(area, destination, signal);
  await area.confirm(signal);
  const { digest, ...before } = newest;
  const isOwn = asBuffer(newest.instance).equals(area.head.instance) || isOfSource(area, destination, newest);
  return points.publish(
    {
      ...before,
      ...note,
      number,
      previous: digest,
      // Changes build on the snapshot before them, which has to stay as long as they do.
      base: newest.kind === 'snapshot' ? number : newest.base,
      pages: newest.kind === 'snapshot' ? newest.pages : [],
      // What it says is of the store that made the point before. The generations of one that this one was restored from are not its own.
      ...(isOwn && { generation }),
      made: area.clock.now(),
      gap: false,
      label: '',
      added: { versions: 0, bytes: 0 },
    },
    signal,
  );
}

/** The last point of a destination that is the store's own, as far as that is certain, and what a note may follow. */
interface Top {
  readonly own: TrustedTip;
  readonly note?: Newest & {
    /** What the store may know when the note is published; `undefined` if it is not to know of it. */
    readonly before: readonly (TrustedTip | undefined)[] | undefined;
  };
}

/**
 * What the store may know of a destination when another point is published there; `undefined` if what it knows is doubtful, which the
 * next snapshot has to find.
 */
export function expectedTips(evidence: Evidence, newest: FoundPoint): readonly (TrustedTip | undefined)[] | undefined {
  return isDoubtful(evidence, newest) ? undefined : [evidence.trusted, tipOf(newest)];
}

/**
 * What the store remembers is in nobody's way here: what the head signs for is what lies there, or what it has signed before. Whoever may
 * back up can have the store remember what never was.
 */
async function topOf(area: BackupArea, destination: Destination, points: Points, signal?: AbortSignal): Promise<Top> {
  const evidence = evidenceOf(area, destination, await trustedTipAt(area, destination, signal));
  const { trusted, fence } = evidence;
  const tip = await readChainTip(points, evidence, signal);
  const { newest, damaged } = tip;
  const signed = { number: fence?.number ?? 0, digest: fence?.digest ?? '' };
  const isGone = rolledBack(destination, trusted, newest) !== undefined;
  // The next snapshot tells that, whatever becomes of the key that it is sealed with now.
  if (isGone && trusted !== undefined) await trustTip(area, destination, trusted, [trusted], signal);
  if (newest === undefined || newest.number < signed.number) return { own: signed };
  const own = tipOf(newest);
  // The next snapshot is not to be kept from telling it by a note that comes first.
  if (isGone || damaged.length > 0) return { own };
  const next = freeAfter(newest.number, tip);
  return { own, note: { newest, next, before: expectedTips(evidence, newest) } };
}

/**
 * The last point of a destination that is the store's own, as far as that is certain; with the number 0 if there is none.
 *
 * @throws as {@link publishKeyChange}
 */
export async function newestOwn(area: BackupArea, destination: Destination, signal?: AbortSignal): Promise<TrustedTip> {
  return (await topOf(area, destination, new Points(destination, area.seals), signal)).own;
}

/**
 * Leaves a point that shows that the keys at a destination were replaced, so that older ones which somebody puts back later are told by it,
 * also where nothing is backed up in between. Where there is no point yet, or a newer one shows it already, there is nothing to do.
 *
 * @returns the last point that is the store's own, as {@link newestOwn}, and the one before it where that is the one that was left
 * @throws SecureStoreError `CONFLICT` if others publish again and again; `INTEGRITY`; what the backend throws
 */
export async function publishKeyChange(
  area: BackupArea,
  destination: Destination,
  signal?: AbortSignal,
): Promise<Omit<Fence, 'keyId'>> {
  const points = new Points(destination, area.seals);
  return withRetries(isConflict, MAX_TRIES, async () => {
    const { own, note } = await topOf(area, destination, points, signal);
    if (note === undefined || note.newest.generation >= area.head.generation) return own;
    const { removed } = note.newest;
    const published = await publishRepeat(area, destination, points, note, { removed, collects: true }, signal);
    if (note.before !== undefined) await trustTip(area, destination, tipOf(published), note.before, signal);
    return { ...tipOf(published), last: own };
  });
}
