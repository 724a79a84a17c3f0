import { closeSync, fsync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { withDescriptors } from './descriptors.ts';
import { errnoOf } from './errors.ts';

export function syncFile(descriptor: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  fsync(descriptor, (error) => (error === null ? resolve() : reject(error)));
  return promise;
}

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
