import type { FileReference, IndexPage, Point } from '@securestore/core-format';
import {
  asBuffer,
  backupBlobPrefix,
  BACKUP_AREAS,
  blobDigestsName,
  indexPageName,
  packName,
  parseBackupBlobName,
  parseFileName,
  pointName,
  SecureStoreError,
} from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects';
import { entriesUnder } from '@securestore/objects';
import type { Destination } from './destination.ts';
import { bringHead } from './destination.ts';
import { IndexPages } from './index-pages.ts';
import type { DamagedPoint, FoundPoint } from './points.ts';
import { Points } from './points.ts';
import type { Remembered } from './remembered.ts';
import { knownAs, remember, rememberedAt, rolledBack } from './remembered.ts';
import { includesNumber, withNumbers } from './removed.ts';
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
    if (SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'FORMAT_VERSION')) return undefined;
    throw error;
  });
  if (newest === undefined)
    return { own: remembered ?? { number: (await points.numbers(signal))[0] ?? 0, digest: '' } };
  // The next snapshot tells that, and is not to be kept from it by a note that comes first.
  if (remembered !== undefined && rolledBack(remembered, destination, newest) !== undefined) return { own: remembered };
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

/** What the remaining points need. */
interface Needed {
  readonly pages: Set<string>;
  readonly packs: Set<string>;
  readonly blobs: Set<string>;
}

async function neededBy(
  points: Points,
  pages: IndexPages,
  numbers: readonly number[],
  signal: AbortSignal | undefined,
): Promise<Needed> {
  const needed: Needed = { pages: new Set(), packs: new Set(), blobs: new Set() };
  const add = async (list: readonly IndexPage[]): Promise<void> => {
    for (const page of list) {
      const name = indexPageName(page);
      // Points share most of their pages.
      if (needed.pages.has(name)) continue;
      needed.pages.add(name);
      for (const { pack, blob } of await pages.read(page, signal)) {
        needed.packs.add(packName(pack));
        if (blob !== undefined) needed.blobs.add(backupBlobPrefix(blob.epoch, blob.blobId));
      }
    }
  };
  for (const number of numbers) {
    signal?.throwIfAborted();
    const point = await points.readUnlessRemoved(number, signal);
    if (point === undefined) continue;
    await add(point.pages);
    await add(point.others);
  }
  return needed;
}

/** Whether a file may go: nothing names it, and no run that can still be published has written it. */
function isUnneeded(name: string, epoch: number, needed: Needed): boolean {
  const file = parseFileName(name);
  const blob = parseBackupBlobName(name);
  const own = file ?? blob;
  // What no backup makes is no concern of ours.
  if (own === undefined || own.epoch > epoch) return false;
  if (blob !== undefined) return !needed.blobs.has(backupBlobPrefix(blob.epoch, blob.blobId));
  const reference: FileReference & { readonly area: string } = file as FileReference & { readonly area: string };
  if (reference.area === BACKUP_AREAS.pages) return !needed.pages.has(name);
  return !needed.packs.has(packName(reference));
}

async function removeUnneeded(
  { backend }: Destination,
  epoch: number,
  needed: Needed,
  signal: AbortSignal | undefined,
): Promise<Pick<ForgetReport, 'files' | 'bytes'>> {
  let [files, bytes] = [0, 0];
  const { pages, packs, envelopes, blobs } = BACKUP_AREAS;
  let leaving: string | undefined;
  for (const area of [pages, packs, envelopes, blobs]) {
    for await (const { key, size } of entriesUnder(backend, area, { signal })) {
      signal?.throwIfAborted();
      if (!isUnneeded(key, epoch, needed)) continue;
      const blob = parseBackupBlobName(key);
      const list = blob && blobDigestsName(blob.epoch, blob.blobId);
      // First what says that parts have to be there.
      if (list !== undefined && list !== leaving) await backend.delete(list, { signal });
      leaving = list;
      await backend.delete(key, { signal });
      files += 1;
      bytes += size;
    }
  }
  return { files, bytes };
}

/**
 * Removes points, and what then nothing needs any more. It first publishes a point that says so: a run that is under way finds its
 * number taken, and begins anew, so nothing is taken from it. Whatever the clocks say.
 *
 * @param choose which are to go, of those that there are; the newest stays in any case, and what others build on. Damaged ones go where they
 *   are among them, and with them the changes that build on them
 * @throws SecureStoreError `NOT_FOUND` where there are no points; `INTEGRITY` where one of those that stay can't be read: then nothing
 *   of the files goes; `CONFLICT`; what the backend throws
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
  const alarm = rolledBack(remembered, destination, newest);
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
  const newestOwn = own.find((one) => !isLost(one))?.number;
  const stays = (one: FoundPoint): boolean =>
    one.number === newest.number || one.number === newestOwn || (!isGone(one) && !isLost(one));
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
  const gone = [...damaged, ...found.filter((point) => !isNeeded(point))].map(({ number }) => number);
  const note = await publishNote(
    area,
    destination,
    points,
    newest,
    { removed: withNumbers(newest.removed, gone), collects: true },
    signal,
  );
  await remember(area, destination, note, signal);
  for (const number of gone) await destination.backend.delete(pointName(number), { signal });
  const kept = [note.number, ...found.filter(isNeeded).map(({ number }) => number)];
  const pages = new IndexPages(destination, area.seals);
  // Read before anything goes: of what can't be read nobody knows what it needs.
  await indexAt(points, pages, note, signal);
  const needed = await neededBy(points, pages, kept, signal);
  const removed = await removeUnneeded(destination, note.number, needed, signal);
  return { removed: gone, kept, ...removed };
}
