import type { NumberRange, Point } from '@securestore/core-format';
import { asBuffer, isDamage, SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects';
import type { Destination } from './destination.ts';
import { bringHead } from './destination.ts';
import { fenceIn, isBehind } from './fence.ts';
import { isRefused } from './files.ts';
import { IndexPages } from './index-pages.ts';
import type { DamagedPoint, FoundPoint } from './points.ts';
import { Points } from './points.ts';
import type { Remembered } from './remembered.ts';
import { knownAs, remember, rememberedAt, rolledBack } from './remembered.ts';
import type { RefusedRemoval } from './refusals.ts';
import { Refusals } from './refusals.ts';
import { neededBy, removeUnneeded } from './removal.ts';
import { removePoints } from './remove-points.ts';
import { includesNumber, withNumbers, withoutNumbers } from './removed.ts';
import { indexAt } from './timeline.ts';

const MAX_TRIES = 4;

/** What was removed from a destination. */
export interface ForgetReport {
  /** Numbers of the points that are gone. */
  readonly removed: readonly number[];
  /** Numbers of those that stay, the newest first. */
  readonly kept: readonly number[];
  /** Files that nothing needs any more, and their bytes. */
  readonly files: number;
  readonly bytes: number;
  /** What the place did not let go; absent where all went that was to go. */
  readonly refused?: RefusedRemoval;
}

/** A point that says the same of the store as the newest one, and something of its own of the destination. */
async function publishNote(
  area: BackupArea,
  destination: Destination,
  points: Points,
  newest: FoundPoint,
  note: Pick<Point, 'removed' | 'collects'>,
  signal: AbortSignal | undefined,
): Promise<FoundPoint> {
  const { generation } = await bringHead(area, destination, signal);
  await area.confirm(signal);
  const { digest, ...before } = newest;
  const number = newest.number + 1;
  const isOwn = asBuffer(newest.instance).equals(area.head.instance);
  return points.publish(
    {
      ...before,
      ...note,
      number,
      previous: digest,
      // Changes build on the snapshot before them, which has to stay as long as they do.
      base: newest.kind === 'snapshot' ? number : newest.base,
      pages: newest.kind === 'snapshot' ? newest.pages : [],
      // What it says is of the store that made the point before, which may be the one that this one was restored from.
      ...(isOwn && { generation }),
      made: area.clock.now(),
      gap: false,
      label: '',
      added: { versions: 0, bytes: 0 },
    },
    signal,
  );
}

/** The last point of a destination that is the store's own, as far as it knows, and what a note may follow. */
interface Top {
  readonly own: Remembered;
  readonly newest?: FoundPoint;
}

async function topOf(area: BackupArea, destination: Destination, points: Points, signal?: AbortSignal): Promise<Top> {
  const remembered = await rememberedAt(area, destination, signal);
  const newest = await points.newest(signal).catch((error: unknown) => {
    // Whoever damages it keeps no keys in use by that; every backup and verify tells it.
    if (isDamage(error)) return undefined;
    throw error;
  });
  const fence = fenceIn(area.destinations, destination);
  const fenced = fence && { number: fence.number, digest: fence.digest };
  const known = remembered ?? fenced;
  if (newest === undefined) return { own: known ?? { number: (await points.numbers(signal))[0] ?? 0, digest: '' } };
  // The signed head outranks what is remembered, which members can change.
  if (fenced !== undefined && isBehind(fence, area.keyOrder, newest)) {
    const isOfThat = remembered?.number === newest.number;
    return { own: isOfThat ? fenced : (remembered ?? fenced) };
  }
  // The next snapshot tells that, and is not to be kept from it by a note that comes first.
  if (known !== undefined && rolledBack(area, destination, remembered, newest) !== undefined) return { own: known };
  return { own: knownAs(newest), newest };
}

/** The last point of a destination that is the store's own, as far as it knows; with the number 0 where there is none. @throws as {@link noteKeys} */
export async function newestOwn(area: BackupArea, destination: Destination, signal?: AbortSignal): Promise<Remembered> {
  return (await topOf(area, destination, new Points(destination, area.seals), signal)).own;
}

/**
 * Leaves a point that shows that the keys at a destination were replaced, so that older ones which somebody puts back later are told by it,
 * also where nothing is backed up in between. Where there is no point yet, or a newer one shows it already, there is nothing to do.
 *
 * @returns the last point that is the store's own, as {@link newestOwn}
 * @throws SecureStoreError `CONFLICT` where others publish again and again; `INTEGRITY`; what the backend throws
 */
export async function noteKeys(area: BackupArea, destination: Destination, signal?: AbortSignal): Promise<Remembered> {
  const points = new Points(destination, area.seals);
  for (let tries = 1; ; tries++) {
    const { own, newest } = await topOf(area, destination, points, signal);
    if (newest === undefined || newest.generation >= area.head.generation) return own;
    try {
      const { removed } = newest;
      const note = await publishNote(area, destination, points, newest, { removed, collects: true }, signal);
      await remember(area, destination, note, signal);
      return knownAs(note);
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT') || tries === MAX_TRIES) throw error;
    }
  }
}

/** What to do about damaged points, when others are to be removed. */
export const REMOVE_DAMAGED = 'Remove these, too: a retention does that with "damaged"';

/** That nothing can be removed, since nobody knows what damaged points need. */
export function unknowable(
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

/**
 * Removes points, and what then nothing needs any more. It first publishes a point that says so: a run that is under way finds its
 * number taken, and begins anew, so nothing is taken from it. Whatever the clocks say.
 *
 * @param choose which are to go, of those that there are; the newest stays in any case, and what others build on. Damaged ones go where they
 *   are among them, and with them the changes that build on them
 * @throws SecureStoreError `NOT_FOUND` where there are no points; `INTEGRITY` where one of those that stay can't be read: then nothing
 *   of the files goes; `CONFLICT`; `ACCESS_DENIED`, `READ_ONLY` where nothing may be removed: then nothing is announced either; what the
 *   backend throws
 */
export async function forgetPoints(
  area: BackupArea,
  destination: Destination,
  choose: (points: readonly FoundPoint[]) => ReadonlySet<number> | Promise<ReadonlySet<number>>,
  signal?: AbortSignal,
): Promise<ForgetReport> {
  const points = new Points(destination, area.seals);
  for (let tries = 1; ; tries++) {
    try {
      return await forgetOnce(area, destination, points, choose, signal);
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT') || tries === MAX_TRIES) throw error;
    }
  }
}

async function forgetOnce(
  area: BackupArea,
  destination: Destination,
  points: Points,
  choose: (points: readonly FoundPoint[]) => ReadonlySet<number> | Promise<ReadonlySet<number>>,
  signal: AbortSignal | undefined,
): Promise<ForgetReport> {
  const found: FoundPoint[] = [];
  // Asked first: another run may publish in between.
  const remembered = await rememberedAt(area, destination, signal);
  const damaged: DamagedPoint[] = [];
  for (const number of await points.numbers(signal)) {
    const point = await points.readOrDamaged(number, signal);
    if ('error' in point) damaged.push(point);
    else found.push(point);
  }
  const [newest] = found;
  const [first] = damaged;
  // What follows a damaged one is a snapshot, which looks at the whole store.
  if (first !== undefined && first.number > (newest?.number ?? 0))
    throw unknowable(destination, damaged, 'Make a snapshot');
  if (newest === undefined)
    throw new SecureStoreError('NOT_FOUND', `${destination.location}: there is no snapshot here yet`);
  // The note below would be the newest from then on, and what is missing would be missed by nobody.
  const alarm = rolledBack(area, destination, remembered, newest);
  if (alarm !== undefined) {
    throw new SecureStoreError(
      'ROLLBACK',
      `${alarm.message}; nothing was removed. Make a snapshot, which looks at the whole store`,
    );
  }
  // What an earlier removal has published says nothing of its own.
  const own = found.filter(({ collects, number }) => !collects && !includesNumber(newest.removed, number));
  const chosen = await choose(own);
  const unchosen = damaged.filter(({ number }) => !chosen.has(number) && !includesNumber(newest.removed, number));
  if (unchosen.length > 0) throw unknowable(destination, unchosen, REMOVE_DAMAGED);
  // Changes are nothing without all that they build on.
  const isLost = ({ kind, base, number }: FoundPoint): boolean =>
    kind === 'changes' && damaged.some((one) => one.number >= base && one.number < number);
  if (isLost(newest)) throw unknowable(destination, damaged, 'Make a snapshot');
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
  const gone = [...damaged, ...found.filter((point) => !isNeeded(point))];
  const numbers = gone.map(({ number }) => number);
  const refusals = new Refusals(destination);
  try {
    await refusals.probe(signal);
  } catch (error) {
    // What the runs before have left behind nobody asked to go.
    if (!isRefused(error) || gone.some((one) => !('collects' in one && one.collects))) throw error;
    const refused = refusals.report([], 0);
    return { removed: [], kept: found.map(({ number }) => number), files: 0, bytes: 0, ...(refused && { refused }) };
  }
  const all = withNumbers(newest.removed, numbers);
  const publish = (before: FoundPoint, removed: readonly NumberRange[]): Promise<FoundPoint> =>
    publishNote(area, destination, points, before, { removed, collects: true }, signal);
  let note = await publish(newest, all);
  await remember(area, destination, note, signal);
  const left = await removePoints(gone, refusals, signal);
  const stay = new Set(found.filter((one) => left.has(one.number) && !isLost(one)).map(({ number }) => number));
  const kept = [note, ...found.filter((one) => isNeeded(one) || stay.has(one.number))].map(({ number }) => number);
  if (stay.size > 0) {
    // What is there for as long as a lock holds it is no longer said to be gone, and can be restored.
    note = await publish(note, withoutNumbers(all, stay));
    await remember(area, destination, note, signal);
    kept.unshift(note.number);
  }
  const pages = new IndexPages(destination, area.seals);
  // Read before anything goes: of what can't be read nobody knows what it needs.
  await indexAt(points, pages, note, signal);
  const needed = await neededBy(points, pages, kept, signal);
  const { left: files, ...removed } = await removeUnneeded(destination, note.number, needed, refusals, signal);
  const told = own.filter(({ number }) => stay.has(number)).map(({ number }) => number);
  const refused = refusals.report(told, files);
  return { removed: numbers.filter((number) => !left.has(number)), kept, ...removed, ...(refused && { refused }) };
}
