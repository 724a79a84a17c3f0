import { constants, closeSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { flushFolderSync } from '@securestore/core-format';
import { errnoOf } from '../files/errors.ts';
import { TEMP_FOLDER } from '../files/names.ts';

/** Neither a link is followed nor a pipe waited for that somebody has put there. */
const OWN_FILE = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | OWN_FILE;
const READ = constants.O_RDONLY | OWN_FILE;
/** A folder of keys below the root, with a closing slash; empty for the root. */
const FOLDER = /^(?:(?!\.{1,2}\/)[a-z0-9.@~_+=-]+\/)*$/;

/**
 * Which folders a writer is making others in, until those are durable. One that is killed in between leaves folders that the next writer only
 * finds, and that a cut of power would take away with what was acknowledged in them. The caller of all of it holds the store's lock.
 */
export class Growth {
  readonly #root: string;
  readonly #file: string;
  readonly #grown: Set<string> = new Set();

  /** @param root the path of the store with a closing slash */
  constructor(root: string) {
    this.#root = root;
    this.#file = `${root}${TEMP_FOLDER}/growing`;
  }

  /** Makes durable what a writer has left that was killed. @throws errors of `node:fs` */
  recover(): void {
    if (statSync(this.#file, { throwIfNoEntry: false }) === undefined) return;
    const descriptor = openSync(this.#file, READ);
    try {
      const lines = readFileSync(descriptor, 'utf8').split('\n').slice(0, -1);
      for (const line of lines) if (FOLDER.test(line)) this.#grown.add(line);
    } finally {
      closeSync(descriptor);
    }
    this.#flush();
  }

  /** To be called before a folder is made in `folder`, which is below the root and has a closing slash. */
  note(folder: string): void {
    if (this.#grown.has(folder)) return;
    // A folder of keys that outlasts a cut of power without a file of ours beside it looks like anybody's, and is refused.
    if (folder === '') flushFolderSync(this.#root);
    const descriptor = openSync(this.#file, APPEND, 0o600);
    try {
      writeSync(descriptor, `${folder}\n`);
    } finally {
      closeSync(descriptor);
    }
    this.#grown.add(folder);
  }

  /** Makes durable what was made. @throws errors of `node:fs`; then the next writer does it */
  flush(): void {
    if (this.#grown.size > 0) this.#flush();
  }

  #flush(): void {
    for (const folder of this.#grown) {
      try {
        flushFolderSync(this.#root + folder);
      } catch (error) {
        // What was made was removed again.
        if (errnoOf(error) !== 'ENOENT') throw error;
      }
    }
    this.#grown.clear();
    unlinkSync(this.#file);
  }
}
