import { SecureStoreError } from '@securestore/core-format';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { vanished } from './errors.ts';
import { makeFolderPath } from './sync-folder.ts';

/** A path through a file looks like one to nothing. @throws SecureStoreError `INVALID_ARGUMENT` */
function refuseFileAbove(path: string): void {
  const above = dirname(path);
  const found = statSync(above, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  if (found === undefined) {
    if (above !== path) refuseFileAbove(above);
    return;
  }
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `${above} is not a folder, so no store can lie below it; choose another location, or move it away`,
    { backend: 'fs' },
  );
}

/**
 * The root of a store. Once seen it must stay what it was: a folder that was unmounted, removed or replaced is an
 * outage, and neither an empty store nor a place to begin one.
 */
export class StoreFolder {
  readonly path: string;
  #device = 0;
  #inode: number | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Whether the folder is there.
   *
   * @throws SecureStoreError `UNAVAILABLE` if it was seen before and is gone or another one; `INVALID_ARGUMENT` if
   *   something else is at its path, or at a part of it. Errors of `node:fs` otherwise.
   */
  exists(): boolean {
    const found = statSync(this.path, { throwIfNoEntry: false });
    if (this.#inode !== undefined) {
      if (found?.ino === this.#inode && found.dev === this.#device) return true;
      throw vanished(this.path);
    }
    if (found === undefined) {
      refuseFileAbove(this.path);
      return false;
    }
    if (!found.isDirectory()) {
      throw new SecureStoreError('INVALID_ARGUMENT', `${this.path} is not a folder; name a folder for the store`, {
        backend: 'fs',
      });
    }
    this.#device = found.dev;
    this.#inode = found.ino;
    return true;
  }

  /** Makes the folder and those above it, durably and for its owner alone, unless it is there. */
  ensure(): void {
    if (this.exists()) return;
    makeFolderPath(this.path);
    this.exists();
  }
}
