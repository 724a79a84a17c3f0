import { fileSystemTime, LocalClock } from '@securestore/backend-api';
import { closeSync, constants, fsyncSync, lstatSync, lutimesSync, openSync, readdirSync } from 'node:fs';
import { refuseLink } from './links.ts';
import { CLOCK_FILE, parseChild, type Place, TEMP_FOLDER } from './names.ts';

/** A file that tells the time of the file system, for a moment, in the folder for temporary files. */
const WITNESS_FILE = 'clock';

interface StoreClockSettings {
  readonly clock?: (() => number) | undefined;
  readonly monotonic?: (() => number) | undefined;
}

/** The time that files are marked with, in whole milliseconds, as the `modified` of the backend. */
export function timeOf(stats: { readonly mtimeMs: number }): number {
  return Math.round(stats.mtimeMs);
}

export function setTime(path: string, milliseconds: number): void {
  lutimesSync(path, milliseconds / 1000, milliseconds / 1000);
}

/** The same, durably: a time that came back after a crash would be later than the clock. */
function setTimeDurably(path: string, milliseconds: number): void {
  setTime(path, milliseconds);
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The clock of a store: the mtime of a file, which is the latest that any writer has given, so that `modified` never
 * runs backwards even when the system's clock is set back.
 */
export class StoreClock {
  readonly #root: string;
  readonly #path: string;
  readonly #clock: LocalClock;
  /** The latest time that this backend has given or seen, in milliseconds. */
  #latest = 0;

  /** @param settings - for tests: a wall clock that is passed in is the file system's too */
  constructor(root: string, { clock: now, monotonic }: StoreClockSettings) {
    this.#root = root;
    this.#path = `${root}/${CLOCK_FILE}`;
    this.#clock = new LocalClock({ now, monotonic, witness: now ?? (() => this.#fileSystemTime()) });
  }

  /** Looks at the file. @throws errors of `node:fs` */
  read(): void {
    this.#latest = this.#recorded() ?? this.#latest;
  }

  /** What time it is: the record counts as long as it is ahead. */
  now(): number {
    const now = this.#clock.now();
    // Another process may have set it back.
    if (this.#latest > now) this.read();
    return Math.max(now, this.#latest);
  }

  /**
   * The time to mark the next changes with, which the file shows from then on. The caller holds the store's lock.
   *
   * @throws SecureStoreError as {@link LocalClock.next}; errors of `node:fs`
   */
  tick(): number {
    const recorded = this.#recorded();
    const last = recorded ?? this.#latest;
    const next = this.#clock.next(last);
    if (recorded === undefined) closeSync(openSync(this.#path, 'a', 0o600));
    if (next !== recorded) setTime(this.#path, next);
    this.#latest = next;
    return next;
  }

  /**
   * Sets the clock back to the time, and the marks of all files that are later. The caller holds the store's lock. The clock comes last:
   * a reset that was interrupted is done again.
   *
   * @returns by how many milliseconds the store was ahead
   * @throws errors of `node:fs`
   */
  reset(): number {
    const now = this.#clock.now();
    const recorded = this.#recorded() ?? 0;
    const latest = Math.max(recorded, this.#resetBelow(this.#root, 'root', now));
    if (recorded > now) setTimeDurably(this.#path, now);
    this.#latest = 0;
    return Math.max(0, latest - now);
  }

  /** Marks as written `now` what is marked later. @returns the latest mark that was found */
  #resetBelow(folder: string, place: Place, now: number): number {
    let latest = 0;
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      const child = parseChild(entry.name, entry.isDirectory(), place);
      if (child === undefined) continue;
      if (child.kind !== 'file') {
        const below = child.kind === 'shard' ? { shard: child.order } : 'folder';
        latest = Math.max(latest, this.#resetBelow(path, below, now));
      } else if (entry.isFile()) {
        const time = timeOf(lstatSync(path));
        latest = Math.max(latest, time);
        if (time > now) setTimeDurably(path, now);
      }
    }
    return latest;
  }

  #recorded(): number | undefined {
    const stats = lstatSync(this.#path, { throwIfNoEntry: false });
    return stats && timeOf(stats);
  }

  #fileSystemTime(): number | undefined {
    const folder = `${this.#root}/${TEMP_FOLDER}`;
    refuseLink(folder);
    return fileSystemTime(`${folder}/${WITNESS_FILE}`);
  }
}
