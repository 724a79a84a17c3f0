import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { errnoOf } from '../files/errors.ts';
import { refuseLink } from '../files/links.ts';

const SQLITE_BUSY = 5;

/**
 * A lock among threads and processes that the system frees when its holder dies. Node has no `flock`; the reserved
 * lock of an empty SQLite file, taken by `BEGIN IMMEDIATE` and given back by `ROLLBACK`, is one. Nothing is ever
 * written to the file. No other code may open it: closing any descriptor of it would free the locks of the process.
 */
export class FileLock {
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #take: StatementSync;
  readonly #free: StatementSync;
  readonly #inode: number | undefined;

  /** @throws SecureStoreError `INTEGRITY` where a link is at `path`; errors of `node:fs` and `node:sqlite`. */
  constructor(path: string) {
    try {
      closeSync(openSync(path, 'wx', 0o600));
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    }
    refuseLink(path);
    // On a file that it can't write SQLite would begin without any lock, and without an error.
    accessSync(path, constants.W_OK);
    this.#path = path;
    // Not imported: an older Node without it would refuse to link this package before that is said of it.
    const sqlite = process.getBuiltinModule('node:sqlite');
    this.#db = new sqlite.DatabaseSync(path, { timeout: 0 });
    // In memory, since beginning on an empty file would otherwise make a journal each time.
    this.#db.exec('PRAGMA journal_mode = MEMORY');
    this.#take = this.#db.prepare('BEGIN IMMEDIATE');
    this.#free = this.#db.prepare('ROLLBACK');
    this.#inode = this.#currentInode();
  }

  /** Whether the lock was free, and is now held. */
  tryTake(): boolean {
    try {
      this.#take.run();
      return true;
    } catch (error) {
      if (error instanceof Error && 'errcode' in error && (Number(error.errcode) & 0xff) === SQLITE_BUSY) return false;
      throw error;
    }
  }

  free(): void {
    if (this.#db.isTransaction) this.#free.run();
  }

  /** Whether the file is still the one that others lock. */
  isInPlace(): boolean {
    return this.#inode !== undefined && this.#currentInode() === this.#inode;
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #currentInode(): number | undefined {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino;
  }
}
