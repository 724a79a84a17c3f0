import { closeSync, fsync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { withDescriptors } from './descriptors.ts';
import { errnoOf } from './errors.ts';

export const syncFile: (descriptor: number) => Promise<void> = promisify(fsync);

/**
 * As {@link flushFolderSync}, off the thread. A folder that another process has emptied and removed meanwhile is made
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
