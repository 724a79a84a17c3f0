import type { NumberRange, Point } from '@securestore/core-format';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects';
import type { Destination } from './destination.ts';
import { bringHead } from './destination.ts';
import type { Fence } from './fence.ts';
import { isRefused } from './files.ts';
import { IndexPages } from './index-pages.ts';
import type { DamagedPoint, FoundPoint } from './points.ts';
import { Points } from './points.ts';
import type { Evidence, Remembered } from './remembered.ts';
import { evidenceOf, foreignPoint, isForeign, knownAs, remember, rememberedAt, rolledBack } from './remembered.ts';
import type { RefusedRemoval } from './refusals.ts';
import { Refusals } from './refusals.ts';
import { neededBy, removeUnneeded } from './removal.ts';
import { removePoints } from './remove-points.ts';
import { includesNumber, withNumbers, withoutNumbers } from './removed.ts';
import type { Survey } from './survey.ts';
import { freeAfter, isDoubtful, neverPoints, surveyOf } from './survey.ts';
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

/** The newest point of a destination, and what the next one is called. */
interface Newest {
  readonly newest: FoundPoint;
  readonly next: number;
}

/** A point that says the same of the store as the newest one, and something of its own of the destination. */
async function publishNote(
  area: BackupArea,
  destination: Destination,
  points: Points,
  { newest, next: number }: Newest,
  note: Pick<Point, 'removed' | 'collects'>,
  signal: AbortSignal | undefined,
): Promise<FoundPoint> {
  const { generation } = await bringHead(area, destination, signal);
  await area.confirm(signal);
  const { digest, ...before } = newest;
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

/** The last point of a destination that is the store's own, as far as that is certain, and what a note may follow. */
interface Top {
  readonly own: Remembered;
  readonly note?: Newest & {
    /** What the store may know when the note is published; `undefined` where it is not to know of it. */
    readonly before: readonly (Remembered | undefined)[] | undefined;
  };
}

/**
 * What the store may know of a destination when another point is published there; `undefined` where what it knows is doubtful, which the
 * next snapshot has to find.
 */
function expected(evidence: Evidence, newest: FoundPoint): readonly (Remembered | undefined)[] | undefined {
  return isDoubtful(evidence, newest) ? undefined : [evidence.known, knownAs(newest)];
}

/**
 * What the store remembers is in nobody's way here: what the head signs for is what lies there, or what it has signed before. Whoever may
 * back up can have the store remember what never was.
 */
async function topOf(area: BackupArea, destination: Destination, points: Points, signal?: AbortSignal): Promise<Top> {
  const evidence = evidenceOf(area, destination, await rememberedAt(area, destination, signal));
  const { known, fence } = evidence;
  const survey = await surveyOf(points, evidence, signal);
  const { newest, damaged } = survey;
  const signed = { number: fence?.number ?? 0, digest: fence?.digest ?? '' };
  const isGone = rolledBack(destination, known, newest) !== undefined;
  // The next snapshot tells that, whatever becomes of the key that it is sealed with now.
  if (isGone && known !== undefined) await remember(area, destination, known, [known], signal);
  if (newest === undefined || newest.number < signed.number) return { own: signed };
  const own = knownAs(newest);
  // The next snapshot is not to be kept from telling it by a note that comes first.
  if (isGone || damaged.length > 0) return { own };
  const next = freeAfter(newest.number, survey);
  return { own, note: { newest, next, before: expected(evidence, newest) } };
}

/**
 * The last point of a destination that is the store's own, as far as that is certain; with the number 0 where there is none.
 *
 * @throws as {@link noteKeys}
 */
export async function newestOwn(area: BackupArea, destination: Destination, signal?: AbortSignal): Promise<Remembered> {
  return (await topOf(area, destination, new Points(destination, area.seals), signal)).own;
}

/**
 * Leaves a point that shows that the keys at a destination were replaced, so that older ones which somebody puts back later are told by it,
 * also where nothing is backed up in between. Where there is no point yet, or a newer one shows it already, there is nothing to do.
 *
 * @returns the last point that is the store's own, as {@link newestOwn}, and the one before it where that is the one that was left
 * @throws SecureStoreError `CONFLICT` where others publish again and again; `INTEGRITY`; what the backend throws
 */
export async function noteKeys(
  area: BackupArea,
  destination: Destination,
  signal?: AbortSignal,
): Promise<Omit<Fence, 'keyId'>> {
  const points = new Points(destination, area.seals);
  for (let tries = 1; ; tries++) {
    const { own, note } = await topOf(area, destination, points, signal);
    if (note === undefined || note.newest.generation >= area.head.generation) return own;
    try {
      const { removed } = note.newest;
      const published = await publishNote(area, destination, points, note, { removed, collects: true }, signal);
      if (note.before !== undefined) await remember(area, destination, knownAs(published), note.before, signal);
      return { ...knownAs(published), last: own };
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

/** What lies at a destination, but for what is damaged after the newest point. */
interface Contents {
  /** The store's own points, the newest first. */
  readonly found: readonly FoundPoint[];
  /** Those that are damaged. */
  readonly damaged: readonly DamagedPoint[];
  /** What has the name of a point between others, and never was one: nothing needs it, and it needs nothing. */
  readonly never: readonly DamagedPoint[];
  /** So it is with what has the name of a later one, or was made by somebody else: that is left for people to see. */
  readonly strange: readonly DamagedPoint[];
}

async function lookThrough(
  points: Points,
  newest: FoundPoint,
  { foreign, junk }: Survey,
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

async function forgetOnce(
  area: BackupArea,
  destination: Destination,
  points: Points,
  choose: (points: readonly FoundPoint[]) => ReadonlySet<number> | Promise<ReadonlySet<number>>,
  signal: AbortSignal | undefined,
): Promise<ForgetReport> {
  // Asked first: another run may publish in between.
  const evidence = evidenceOf(area, destination, await rememberedAt(area, destination, signal));
  const survey = await surveyOf(points, evidence, signal);
  const { newest } = survey;
  // What follows a damaged one is a snapshot, which looks at the whole store.
  if (survey.damaged.length > 0) throw unknowable(destination, survey.damaged, 'Make a snapshot');
  if (newest === undefined)
    throw new SecureStoreError('NOT_FOUND', `${destination.location}: there is no snapshot here yet`);
  // The note below would be the newest from then on, and what is missing would be missed by nobody.
  const alarm = rolledBack(destination, evidence.known, newest);
  if (alarm !== undefined) {
    throw new SecureStoreError(
      'ROLLBACK',
      `${alarm.message}; nothing was removed. Make a snapshot, which looks at the whole store`,
    );
  }
  const { found, damaged, never, strange } = await lookThrough(points, newest, survey, evidence, signal);
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
  const strangers = strange.filter(({ number }) => chosen.has(number));
  const gone = [...damaged, ...never, ...strangers, ...found.filter((point) => !isNeeded(point))];
  const numbers = gone.map(({ number }) => number);
  const refusals = new Refusals(destination);
  try {
    await refusals.probe(signal);
  } catch (error) {
    // What the runs before have left behind, and what never was a point, nobody asked to go.
    const isUnasked = (one: FoundPoint | DamagedPoint): boolean =>
      ('collects' in one && one.collects) || never.some(({ number }) => number === one.number && !chosen.has(number));
    if (!isRefused(error) || !gone.every(isUnasked)) throw error;
    const refused = refusals.report([], 0);
    return { removed: [], kept: found.map(({ number }) => number), files: 0, bytes: 0, ...(refused && { refused }) };
  }
  const next = freeAfter(newest.number, survey);
  // What has the name of a later one nobody misses.
  const all = withNumbers(
    newest.removed,
    numbers.filter((number) => number < next),
  );
  const known = expected(evidence, newest);
  const publish = async (before: Newest, removed: readonly NumberRange[]): Promise<FoundPoint> => {
    const published = await publishNote(area, destination, points, before, { removed, collects: true }, signal);
    const isFirst = before.newest === newest;
    if (known === undefined) return published;
    await remember(area, destination, knownAs(published), isFirst ? known : [knownAs(before.newest)], signal);
    return published;
  };
  let note = await publish({ newest, next }, all);
  const left = await removePoints(gone, refusals, signal);
  const stay = new Set(found.filter((one) => left.has(one.number) && !isLost(one)).map(({ number }) => number));
  const kept = [note, ...found.filter((one) => isNeeded(one) || stay.has(one.number))].map(({ number }) => number);
  if (stay.size > 0) {
    // What is there for as long as a lock holds it is no longer said to be gone, and can be restored.
    note = await publish({ newest: note, next: freeAfter(note.number, survey) }, withoutNumbers(all, stay));
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
