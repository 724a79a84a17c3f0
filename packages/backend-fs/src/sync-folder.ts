import { closeSync, fsync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { withDescriptors } from './descriptors.ts';
import { errnoOf } from './errors.ts';

export const syncFile: (descriptor: number) => Promise<void> = promisify(fsync);

/** Makes durable what was created, renamed and removed in the folder at `path`. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * As {@link syncFolder}, off the thread. A folder that another process has emptied and removed meanwhile is made
 * durable by the one that held it.
 */
export async function syncFolderSoon(path: string): Promise<void> {
  let descriptor: number;
  try {
    descriptor = await withDescriptors(() => openSync(path, 'r'));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    return syncFolderSoon(dirname(path));
  }
  try {
    await syncFile(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Makes the folder at `path` and those above it, durably and for their owner alone, where they are missing. (Node's
 * own `recursive` says `ENOENT` on a read-only file system.)
 */
export function makeFolderPath(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'EEXIST') return;
    if (errno !== 'ENOENT' || path === dirname(path)) throw error;
    makeFolderPath(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
  syncFolder(dirname(path));
}
