import { statfs } from 'node:fs/promises';
import type { BackendCapacity } from './contract.ts';

/**
 * The room on the file system that a path is on, for backends that keep what they are given there.
 *
 * @returns `undefined` where the path doesn't exist, or the file system doesn't tell
 */
export async function diskCapacity(path: string): Promise<BackendCapacity | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(path);
    // Some that are reached over a network say 0.
    return blocks > 0 ? { free: bavail * bsize, total: blocks * bsize } : undefined;
  } catch {
    return undefined;
  }
}
