import { asBuffer, BACKUP_AREAS, pointName } from '@securestore/core-format';
import type { JournalFinding } from '@securestore/objects/internal';
import type { Destination } from '../repository/destination.ts';
import type { DamagedPoint, FoundPoint, Points } from '../repository/snapshots.ts';
import type { Evidence } from './trusted-tip.ts';
import { foreignPoint, isForeign, matchesTip } from './trusted-tip.ts';

/** The files of a destination from the newest name down to the newest point. Any other writer can make any name. */
export interface ChainTip {
  /** The newest undamaged point of the store. */
  readonly newest: FoundPoint | undefined;
  /** Later files that can't be read and may have been points; the newest first. */
  readonly damaged: readonly DamagedPoint[];
  /** Later points that were made with a retired key. */
  readonly foreign: readonly FoundPoint[];
  /** Files that have the name of a later point, and never were one. */
  readonly junk: readonly DamagedPoint[];
}

/**
 * Looks for the newest point. A name alone decides nothing: points are numbered without holes, but for names that were taken, so what
 * can't be read and comes after a free number is none, unless the store knows of points up to there. Nor is what comes after the point that the store
 * remembers as its newest.
 *
 * @throws SecureStoreError `FORMAT_VERSION`; what the backend throws
 */
export async function readChainTip(points: Points, evidence: Evidence, signal?: AbortSignal): Promise<ChainTip> {
  const unread: DamagedPoint[] = [];
  const foreign: FoundPoint[] = [];
  let newest: FoundPoint | undefined;
  for await (const read of points.all(signal)) {
    if ('error' in read) unread.push(read);
    else if (isForeign(evidence, read)) foreign.push(read);
    else {
      newest = read;
      break;
    }
  }
  if (newest === undefined) return { newest, damaged: unread, foreign, junk: [] };
  if (matchesTip(evidence.trusted, newest)) return { newest, damaged: [], foreign, junk: unread };
  const there = new Set([...unread, ...foreign].map(({ number }) => number));
  let last = newest.number;
  while (there.has(last + 1)) last += 1;
  // At least so many points existed; which of them a removal has left is not known.
  last = Math.max(last, numberKnown(evidence));
  const [damaged, junk] = [unread.filter(({ number }) => number <= last), unread.filter(({ number }) => number > last)];
  return { newest, damaged, foreign, junk };
}

/** The number of the newest point that the store remembers, or that its signed head names. */
function numberKnown({ trusted, fence }: Evidence): number {
  return Math.max(trusted?.number ?? 0, fence?.number ?? 0);
}

/**
 * Whether what is known of the journal may be of another point than the newest: nothing is remembered, or what is, is no part of its past.
 *
 * @param newest not older than what is remembered
 */
export function isDoubtful({ trusted }: Evidence, newest: FoundPoint | undefined): boolean {
  if (newest === undefined || matchesTip(trusted, newest)) return false;
  return trusted?.digest !== asBuffer(newest.previous).toString('hex');
}

/**
 * Which of the files that can't be read never were points, and are between those that were: if one names the one before it, there was
 * none in between.
 *
 * @param own the points that are the store's own, the newest first
 */
export function neverPoints(
  own: readonly FoundPoint[],
  damaged: readonly Pick<DamagedPoint, 'number'>[],
): ReadonlySet<number> {
  const never = new Set<number>();
  for (const { number } of damaged) {
    const at = own.findIndex((one) => one.number < number);
    const [after, before] = [own[at - 1], own[at]];
    if (after !== undefined && before !== undefined && isAfter(after, before)) never.add(number);
  }
  return never;
}

/** Whether a point follows another one, with none in between. */
export function isAfter(after: FoundPoint, before: FoundPoint): boolean {
  return before.digest.equals(after.previous);
}

/** The number of the next point, and what it follows. */
export interface NextPoint {
  readonly number: number;
  /** The digest of the point before, as far as that is known. */
  readonly previous: Buffer;
}

/** The first number after another one that no file has. */
export function freeAfter(number: number, { damaged, foreign, junk }: Omit<ChainTip, 'newest'>): number {
  const taken = new Set([...damaged, ...foreign, ...junk].map((one) => one.number));
  let free = number + 1;
  while (taken.has(free)) free += 1;
  return free;
}

function previousOf({ newest, damaged, foreign }: ChainTip, { trusted }: Evidence, number: number): Buffer {
  if (number === 1) return Buffer.alloc(32);
  const isKnownBefore = newest !== undefined && trusted !== undefined && newest.number > trusted.number;
  // The digest that is remembered, whatever is there now.
  if (trusted !== undefined && number > trusted.number && !isKnownBefore && trusted.digest !== '') {
    return Buffer.from(trusted.digest, 'hex');
  }
  const last = damaged.find((one) => one.number === number - 1) ?? damaged[0] ?? newest ?? foreign[0];
  return last?.digest ?? Buffer.alloc(32);
}

/**
 * The point that comes next: under the first number that was free when it was looked. What others publish meanwhile has that number, and
 * is noticed by it.
 */
export function nextAfter(tip: ChainTip, evidence: Evidence): NextPoint {
  const { newest, damaged, foreign } = tip;
  const others = [...damaged, ...foreign].map((one) => one.number);
  if (newest === undefined && others.length === 0) return { number: 1, previous: Buffer.alloc(32) };
  const known = numberKnown(evidence);
  const first = known > 0 ? known : Math.min(...others) - 1;
  const last = newest === undefined ? first : Math.max(newest.number, ...damaged.map((one) => one.number));
  const number = freeAfter(last, tip);
  return { number, previous: previousOf(tip, evidence, number) };
}

const alarm = (message: string): JournalFinding => ({ type: 'rolled-back', name: BACKUP_AREAS.points, message });

/** Alarms about ignored files. */
export function ignoredFileAlarms({ url }: Pick<Destination, 'url'>, { foreign, junk }: ChainTip): JournalFinding[] {
  const [strange] = foreign;
  const [first] = junk;
  const alarms: JournalFinding[] = [];
  if (strange !== undefined) {
    const { message } = foreignPoint(strange.number);
    alarms.push(alarm(`${message} (${url}). It is ignored.`));
  }
  if (first !== undefined) {
    const what =
      junk.length === 1
        ? '1 file has the name of a later snapshot, and is'
        : `${junk.length} files have names of later snapshots, and are`;
    alarms.push(
      alarm(`${what} none (${url}, ${pointName(first.number)}). Another writer may be there. The files are ignored.`),
    );
  }
  return alarms;
}
