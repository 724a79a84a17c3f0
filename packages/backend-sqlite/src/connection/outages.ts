import { accessSync, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { dirname } from 'node:path';
import { errnoOf } from './errno.ts';

/** What SQLite opens of one database: the file, its log and the index of that, and one more to be sure. */
const DESCRIPTORS = 4;

const CHUNK_BYTES: number = 1024 * 1024;
/** How long a damaged file may be read at a time, and so hold up the event loop, in milliseconds. */
const READ_FOR = 200;
/** How long a file that could be read counts as such, in milliseconds. */
const READABLE_FOR = 60_000;

/** The error of the system if no more files can be opened: SQLite does not say why it can't open one. */
export function descriptorShortage(): unknown {
  const opened: number[] = [];
  try {
    while (opened.length < DESCRIPTORS) opened.push(openSync(devNull, 'r'));
    return undefined;
  } catch (error) {
    return error;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}

/** Whether the database at `path`, its folder and what lies beside it may be written: then nothing but an outage keeps SQLite from opening it. */
export function mayBeWritten(path: string): boolean {
  const beside = [`${path}-wal`, `${path}-shm`].filter(
    (file) => statSync(file, { throwIfNoEntry: false }) !== undefined,
  );
  try {
    for (const file of [path, dirname(path), ...beside]) accessSync(file, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A file that SQLite took for damaged, by device and inode. */
interface Suspect {
  readonly descriptor: number;
  /** Where reading goes on. */
  offset: number;
  /** When all of it was last read, by the monotonic clock. */
  readableAt: number;
}

// Never closed: closing any descriptor of a file frees all the locks that SQLite has on it in this process.
const suspects = new Map<string, Suspect>();

function suspectAt(path: string): Suspect {
  const { dev, ino } = statSync(path);
  const id = `${dev} ${ino}`;
  let suspect = suspects.get(id);
  if (suspect === undefined) {
    suspect = { descriptor: openSync(path, 'r'), offset: 0, readableAt: -Infinity };
    suspects.set(id, suspect);
  }
  return suspect;
}

/**
 * The error of the system if the file at `path` can't be read, for a call that SQLite ended with "malformed": it says that of pages that the
 * disk does not give, too. `undefined` if all could be read, or as much as there is time for.
 */
export function readFailure(path: string): unknown {
  try {
    const suspect = suspectAt(path);
    const begun = performance.now();
    if (begun - suspect.readableAt < READABLE_FOR) return undefined;
    const { size } = fstatSync(suspect.descriptor);
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    while (suspect.offset < size) {
      if (performance.now() - begun > READ_FOR) return undefined;
      suspect.offset += readSync(suspect.descriptor, chunk, 0, CHUNK_BYTES, suspect.offset) || CHUNK_BYTES;
    }
    [suspect.offset, suspect.readableAt] = [0, performance.now()];
    return undefined;
  } catch (error) {
    return errnoOf(error) === 'EIO' ? error : undefined;
  }
}
