import { SecureStoreError } from '@securestore/core-format';
import { type BigIntStats, type Dirent, opendirSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { withDescriptors } from '../files/descriptors.ts';
import { type Child, parseChild, type Place } from '../files/names.ts';

/** Folder entries that one turn of the event loop reads. */
const BUFFERED_ENTRIES = 1024;
/** The most children of one folder that are held at a time: about 2 MiB. */
const WINDOW = 8192;
const WORTH_KEEPING = 512;
/** File systems stamp folders by a coarse clock; a change this soon after another may leave the same stamp. */
const STAMP_MS = 50;

/** A folder, or a shard of one. */
export interface Folder {
  /** Below the root, with a closing slash; empty for the root itself. */
  readonly path: string;
  /** What all keys in it begin with, up to a slash. */
  readonly base: string;
  readonly place: Place;
}

/** Which keys are asked for. */
export interface Bounds {
  readonly prefix: string;
  /** Only keys after this one; empty for all. */
  readonly after: string;
  readonly signal: AbortSignal | undefined;
}

/** Wanted children of a folder in order, those after a given one. */
export interface Window {
  readonly children: readonly Child[];
  /** Whether there are no more behind the last. */
  readonly complete: boolean;
}

interface Remembered extends Window {
  readonly path: string;
  readonly bounds: Bounds;
  readonly from: string | undefined;
  readonly stamp: string;
}

/** Whether a child at `base` holds, or is, a key that is asked for. */
function isWanted({ prefix, after }: Bounds, base: string, child: Child): boolean {
  const start = base + child.order;
  if (child.kind === 'file') return start > after && start.startsWith(prefix);
  return (start > after || after.startsWith(start)) && (start.startsWith(prefix) || prefix.startsWith(start));
}

function byOrder(a: Child, b: Child): number {
  return a.order < b.order ? -1 : 1;
}

function childOf(entry: Dirent, place: Place): Child | undefined {
  const child = parseChild(entry.name, entry.isDirectory(), place);
  if (child?.kind !== 'file' || entry.isFile()) return child;
  throw new SecureStoreError('INTEGRITY', `${entry.parentPath}/${entry.name} must be a regular file`);
}

/** The entries of a folder in no order, some at a time; other work gets its turn in between. */
async function* entriesOf(path: string): AsyncGenerator<Dirent[]> {
  const folder = await withDescriptors(() => opendirSync(path, { bufferSize: BUFFERED_ENTRIES }));
  try {
    for (let more = true; more; await nextTurn()) {
      const entries: Dirent[] = [];
      while (more && entries.length < BUFFERED_ENTRIES) {
        const entry = folder.readSync();
        if (entry === null) more = false;
        else entries.push(entry);
      }
      yield entries;
    }
  } finally {
    folder.closeSync();
  }
}

/** Changes whenever an entry is added or removed; `undefined` if that is not certain. */
function stampOf(stats: BigIntStats): string | undefined {
  // The system's own clock, since that is what the folder was stamped with.
  const settled = Number(stats.mtimeMs) + STAMP_MS < Date.now();
  return settled ? `${stats.dev} ${stats.ino} ${stats.mtimeNs} ${stats.ctimeNs}` : undefined;
}

/** Whether all children that `bounds` and `from` ask for were asked for by `known` too. */
function covers(known: Remembered, folder: Folder, bounds: Bounds, from: string | undefined): boolean {
  if (known.path !== folder.path || known.bounds.prefix !== bounds.prefix || known.bounds.after > bounds.after)
    return false;
  if (known.from === undefined || (from !== undefined && from >= known.from)) return true;
  const start = folder.base + known.from;
  return bounds.after >= start && !bounds.after.startsWith(start);
}

/**
 * Folders keep their entries in no order. A window is the first of them in order, found in one pass with bounded
 * memory; the last one is kept, and serves the next pages of a listing for as long as its folder's stamp stays.
 */
export class FolderWindows {
  #last: Remembered | undefined;

  /**
   * The next wanted children of the folder at `root + folder.path`, after `from`.
   *
   * @throws errors of `node:fs`, `ENOENT` if there is no such folder; the reason of an aborted signal.
   */
  async next(root: string, folder: Folder, bounds: Bounds, from: string | undefined): Promise<Window> {
    const stamp = stampOf(statSync(root + folder.path, { bigint: true }));
    const known = this.#last;
    if (known !== undefined && known.stamp === stamp && covers(known, folder, bounds, from)) {
      const children = known.children.filter((child) => isNext(child, folder, bounds, from));
      if (known.complete || children.length > 0) return { children, complete: known.complete };
    }
    const found = await scanWindow(root, folder, bounds, from);
    // A small folder is read again as fast, and must not displace the large one inside it.
    const worthwhile = found.children.length >= WORTH_KEEPING;
    if (worthwhile && stamp !== undefined) this.#last = { ...found, path: folder.path, bounds, from, stamp };
    return found;
  }
}

function isNext(child: Child, { base }: Folder, bounds: Bounds, from: string | undefined): boolean {
  return (from === undefined || child.order > from) && isWanted(bounds, base, child);
}

async function scanWindow(root: string, folder: Folder, bounds: Bounds, from: string | undefined): Promise<Window> {
  let children: Child[] = [];
  let complete = true;
  const keepFirst = (): void => {
    children.sort(byOrder);
    if (children.length <= WINDOW) return;
    children = children.slice(0, WINDOW);
    complete = false;
  };
  for await (const entries of entriesOf(root + folder.path)) {
    bounds.signal?.throwIfAborted();
    for (const entry of entries) {
      const child = childOf(entry, folder.place);
      if (child !== undefined && isNext(child, folder, bounds, from)) children.push(child);
    }
    if (children.length >= 2 * WINDOW) keepFirst();
  }
  keepFirst();
  return { children, complete };
}
