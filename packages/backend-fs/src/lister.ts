import type { ListEntry } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Dirent } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { errnoOf } from './errors.ts';
import { type Child, folderPath, parseChild, type Place, shardOf } from './names.ts';
import { timeOf } from './workspace.ts';

/** Folder entries that one system call fetches. */
const BUFFERED_ENTRIES = 1024;
/** The fewest children of a folder that a pass over it remembers. */
const LEAST_WINDOW = 64;
const PARALLEL_STATS = 32;

/** What is asked for, and what was found of it. */
export interface Scan {
  /** The path of the store with a closing slash. */
  readonly root: string;
  readonly prefix: string;
  readonly after: string;
  /** The most keys to find. */
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
  /** Keys in order, each with its path below the root. */
  readonly found: { readonly key: string; readonly path: string }[];
}

/** Whether a child at `base` holds, or is, a key that is asked for. */
function isWanted({ prefix, after }: Scan, base: string, child: Child): boolean {
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
  throw new SecureStoreError(
    'INTEGRITY',
    `${entry.parentPath}/${entry.name} is not a file; it is not followed, move it away`,
  );
}

/** The first `size` wanted children after `from`, in order, from one pass that never holds many more. */
async function nextChildren(scan: Scan, folder: Folder, from: string | undefined, size: number): Promise<Child[]> {
  let children: Child[] = [];
  const keepFirst = (): void => {
    children = children.toSorted(byOrder).slice(0, size);
  };
  for await (const entry of await opendir(scan.root + folder.path, { bufferSize: BUFFERED_ENTRIES })) {
    const child = childOf(entry, folder.place);
    if (child === undefined || (from !== undefined && child.order <= from) || !isWanted(scan, folder.base, child))
      continue;
    children.push(child);
    if (children.length >= size * 4) keepFirst();
  }
  scan.signal?.throwIfAborted();
  keepFirst();
  return children;
}

interface Folder {
  /** Below the root, with a closing slash; empty for the root itself. */
  readonly path: string;
  /** What all keys in it begin with, up to a slash. */
  readonly base: string;
  readonly place: Place;
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
    const size = Math.max(scan.limit - scan.found.length, LEAST_WINDOW);
    const children = await nextChildren(scan, folder, from, size);
    for (const child of children) {
      if (scan.found.length === scan.limit) return;
      if (child.kind === 'file') scan.found.push({ key: folder.base + child.order, path: folder.path + child.name });
      else await scanIfThere(scan, childFolder(folder, child));
      from = child.order;
    }
    if (children.length < size) return;
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

/** Fills `scan.found`, in byte order, with memory bounded by `scan.limit`. */
export async function findKeys(scan: Scan): Promise<void> {
  await scanIfThere(scan, startOf(scan.prefix));
}

async function entryOf(root: string, key: string, path: string): Promise<ListEntry | undefined> {
  try {
    const stats = await lstat(root + path);
    return { key, size: stats.size, modified: timeOf(stats) };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The entries of the found keys, without those deleted meanwhile. */
export async function statKeys({ root, signal }: Scan, found: Scan['found']): Promise<ListEntry[]> {
  const entries: ListEntry[] = [];
  for (let start = 0; start < found.length; start += PARALLEL_STATS) {
    signal?.throwIfAborted();
    const some = found.slice(start, start + PARALLEL_STATS).map(({ key, path }) => entryOf(root, key, path));
    for (const entry of await Promise.all(some)) if (entry !== undefined) entries.push(entry);
  }
  return entries;
}
