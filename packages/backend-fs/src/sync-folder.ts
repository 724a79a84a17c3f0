import { closeSync, fsync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
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
    descriptor = openSync(path, 'r');
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
