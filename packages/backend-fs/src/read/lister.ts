import type { ListEntry } from '@securestore/backend-api';
import { lstatSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { errnoOf } from '../files/errors.ts';
import type { Bounds, Folder, FolderWindows } from './folder-windows.ts';
import { type Child, folderPath, shardOf } from '../files/names.ts';
import { timeOf } from '../files/store-clock.ts';

/** A stat is far quicker than a thread's turn, but many together would hold up the event loop. */
const STATS_A_TURN = 128;

/** What is asked for, and what was found of it. */
export interface Scan extends Bounds {
  /** The path of the store with a closing slash. */
  readonly root: string;
  /** The most keys to find. */
  readonly limit: number;
  readonly windows: FolderWindows;
  /** Keys in order, each with its path below the root. */
  readonly found: { readonly key: string; readonly path: string }[];
}

function childFolder({ path, base }: Folder, child: Child): Folder {
  const below = `${path}${child.name}/`;
  return child.kind === 'shard'
    ? { path: below, base, place: { shard: child.order } }
    : { path: below, base: base + child.order, place: 'folder' };
}

async function scanFolder(scan: Scan, folder: Folder): Promise<void> {
  let from: string | undefined;
  for (;;) {
    const { children, complete } = await scan.windows.next(scan.root, folder, scan, from);
    for (const child of children) {
      if (scan.found.length === scan.limit) return;
      if (child.kind === 'file') scan.found.push({ key: folder.base + child.order, path: folder.path + child.name });
      else await scanIfThere(scan, childFolder(folder, child));
      from = child.order;
    }
    if (complete) return;
  }
}

/** A folder that is not there holds no keys; the caller finds out whether the root is. */
async function scanIfThere(scan: Scan, folder: Folder): Promise<void> {
  try {
    await scanFolder(scan, folder);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** The folder below which everything that begins with `prefix` lies. */
function startOf(prefix: string): Folder {
  const slash = prefix.lastIndexOf('/');
  if (slash === -1) return { path: '', base: '', place: 'root' };
  const base = prefix.slice(0, slash + 1);
  const rest = prefix.slice(slash + 1);
  const shard = shardOf(rest);
  return { path: folderPath(base) + shard, base, place: shard === '' ? 'folder' : { shard: rest.charAt(0) } };
}

/** Fills `scan.found`, in byte order, with bounded memory. */
export async function findKeys(scan: Scan): Promise<void> {
  await scanIfThere(scan, startOf(scan.prefix));
}

function entryOf(root: string, key: string, path: string): ListEntry | undefined {
  const stats = lstatSync(root + path, { throwIfNoEntry: false });
  return stats && { key, size: stats.size, modified: timeOf(stats) };
}

/** The entries of the found keys, without those deleted meanwhile. */
export async function statKeys({ root, signal }: Scan, found: Scan['found']): Promise<ListEntry[]> {
  const entries: ListEntry[] = [];
  for (let start = 0; start < found.length; start += STATS_A_TURN) {
    if (start > 0) await nextTurn();
    signal?.throwIfAborted();
    for (const { key, path } of found.slice(start, start + STATS_A_TURN)) {
      const entry = entryOf(root, key, path);
      if (entry !== undefined) entries.push(entry);
    }
  }
  return entries;
}
