import { flushFoundSync, makeFolderDurablySync, SecureStoreError } from '@securestore/core-format';
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { vanished } from '../files/errors.ts';
import { CLOCK_FILE, LOCK_FILE, parseChild, TEMP_FOLDER } from '../files/names.ts';

const OWN: ReadonlySet<string> = new Set([CLOCK_FILE, LOCK_FILE, TEMP_FOLDER]);

/** Whether a folder that has only this counts as empty: hidden files, and what a file system has of its own. */
function isNegligible(name: string): boolean {
  return name.startsWith('.') || name === 'lost+found';
}

/**
 * Folders of keys look like those of other programs; our own files and those of keys do not.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if the folder at `path` has other files and no store
 */
function refuseFilesOfOthers(path: string): void {
  const entries = readdirSync(path, { withFileTypes: true });
  const isStore = entries.some(
    (entry) => OWN.has(entry.name) || (entry.isFile() && parseChild(entry.name, false, 'root') !== undefined),
  );
  const other = entries.find(({ name }) => !isNegligible(name));
  if (isStore || other === undefined) return;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `${path} must be empty or the folder of a store, but has "${other.name}". Nothing was changed.`,
    { backend: 'fs', advice: [{ id: 'choose-store-url' }] },
  );
}

/** Refuses a path through a file, which otherwise looks like a path to nothing. @throws SecureStoreError `INVALID_ARGUMENT` */
function refuseFileAbove(path: string): void {
  const above = dirname(path);
  const found = statSync(above, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) return;
  if (found === undefined) {
    if (above !== path) refuseFileAbove(above);
    return;
  }
  throw new SecureStoreError('INVALID_ARGUMENT', `${above} is not a folder`, {
    backend: 'fs',
    advice: [{ id: 'choose-store-url' }],
  });
}

/** The first bytes of every SQLite database. */
const DATABASE = 'SQLite format 3\0';

/** Whether a file is a database, which the store URL may have been meant for. */
function isDatabase(path: string): boolean {
  const head = Buffer.alloc(DATABASE.length);
  try {
    // A pipe without a writer would make the call wait.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (fstatSync(file).isFile()) readSync(file, head, 0, head.length, 0);
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
  return head.toString('latin1') === DATABASE;
}

/**
 * The root of a store. Once seen it must stay what it was: a folder that was unmounted, removed or replaced is an
 * outage, and neither an empty store nor a folder for a new one.
 */
export class StoreFolder {
  readonly path: string;
  #device = 0;
  #inode: number | undefined;
  /** Held open, so that no other folder is given the inode once this one is removed. */
  #handle: number | undefined;
  #ours = false;

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
      throw new SecureStoreError('INVALID_ARGUMENT', `${this.path} is not a folder`, {
        backend: 'fs',
        advice: isDatabase(this.path) ? [{ id: 'give-store-url', form: 'sqlite:…' }] : [{ id: 'choose-store-url' }],
      });
    }
    this.#remember(found);
    return true;
  }

  #remember(found: Stats): void {
    // Windows has no handles of folders, and gives no number twice.
    if (process.platform !== 'win32') this.#handle = openSync(this.path, 'r');
    const { dev, ino } = this.#handle === undefined ? found : fstatSync(this.#handle);
    this.#device = dev;
    this.#inode = ino;
  }

  /** Lets go of the folder. */
  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }

  /**
   * Makes the folder and those above it, durably and for its owner alone, unless it is there.
   *
   * @throws SecureStoreError as {@link exists}; `INVALID_ARGUMENT` if it is there, with other files and no store.
   */
  ensure(): void {
    if (!this.exists()) {
      makeFolderDurablySync(this.path);
      this.exists();
    } else if (!this.#ours) flushFoundSync(this.path);
    if (!this.#ours) refuseFilesOfOthers(this.path);
    this.#ours = true;
  }
}
