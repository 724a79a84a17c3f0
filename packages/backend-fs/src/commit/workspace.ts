import { lstatSync, mkdirSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { errnoOf } from '../files/errors.ts';
import { refuseLink } from '../files/links.ts';
import { FileLock } from './lock.ts';
import { TEMP_FOLDER } from '../files/names.ts';

const OWNER_LOCK = 'lock';

/** What {@link Workspace} calls its folder, and what it puts there. */
const FOLDER_NAME = /^[0-9a-f]{16}$/;
const OWN_FILE = /^(?:\d{1,15}|lock)$/;

/** Not durably: what lies in it was not acknowledged. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Removes a folder with what a writer puts there. Nothing else goes, and nothing of what a link leads to. */
function removeFolder(path: string): void {
  for (const name of readdirSync(path)) if (OWN_FILE.test(name)) unlinkSync(`${path}/${name}`);
  rmdirSync(path);
}

/** Removes the folder of a writer if it has died: its lock died with it. */
function removeIfAbandoned(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  const owner = new FileLock(`${path}/${OWNER_LOCK}`);
  const abandoned = owner.tryTake();
  owner.free();
  owner.close();
  if (abandoned) removeFolder(path);
}

/** The folder in which one open backend prepares files, on the same file system as the store. */
export class Workspace {
  readonly path: string;
  readonly #owner: FileLock;
  #count = 0;

  /**
   * Makes the folder, and removes those of dead writers. The caller holds the store's lock: in between, a new folder
   * looks abandoned.
   */
  constructor(root: string) {
    const temp = `${root}/${TEMP_FOLDER}`;
    makeFolder(temp);
    refuseLink(temp);
    for (const name of readdirSync(temp)) {
      if (!FOLDER_NAME.test(name)) continue;
      try {
        removeIfAbandoned(`${temp}/${name}`);
      } catch {
        // What another user left is no reason not to write.
      }
    }
    this.path = `${temp}/${randomBytes(8).toString('hex')}`;
    makeFolder(this.path);
    this.#owner = new FileLock(`${this.path}/${OWNER_LOCK}`);
    this.#owner.tryTake();
  }

  /** A path for a new temporary file. */
  next(): string {
    return `${this.path}/${this.#count++}`;
  }

  /** Removes the folder; a file that can't be removed is left to the next writer. */
  close(): void {
    this.#owner.free();
    this.#owner.close();
    try {
      removeFolder(this.path);
    } catch {
      // Nothing in it was acknowledged, and closing must work on a broken disk too.
    }
  }
}
