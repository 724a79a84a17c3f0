import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf } from './errors.ts';

const POLL_MS = 5;
/** How long a call waits for others to close a file, in milliseconds. */
const LIMIT_MS = 10_000;

/** At least what making the locks of a writer has open at a time. */
const BEGINNING = 8;

/** Whether the process, or the machine, has as many files open as it may: that passes when some are closed. */
function isShortOfDescriptors(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === 'EMFILE' || errno === 'ENFILE';
}

/** What `open` gives, which is called again for a while if no descriptor is left. @throws errors of `node:fs` */
export async function withDescriptors<T>(open: () => T): Promise<T> {
  const since = performance.now();
  for (;;) {
    try {
      return open();
    } catch (error) {
      if (!isShortOfDescriptors(error) || performance.now() - since > LIMIT_MS) throw error;
    }
    await sleep(POLL_MS);
  }
}

/** Waits until a writer can begin: SQLite, which makes its locks, does not tell why it can't open a file. @throws errors of `node:fs` */
export async function descriptorsToBegin(): Promise<void> {
  await withDescriptors(() => {
    const opened: number[] = [];
    try {
      while (opened.length < BEGINNING) opened.push(openSync(devNull, 'r'));
    } finally {
      for (const descriptor of opened) closeSync(descriptor);
    }
  });
}

/** A descriptor that is kept for what has begun and can wait for nothing. */
export class SpareDescriptor {
  #descriptor: number | undefined;

  /** Has one, if need be once others have closed a file. @throws errors of `node:fs` */
  async acquire(): Promise<void> {
    if (this.#descriptor !== undefined) return;
    const descriptor = await withDescriptors(() => openSync(devNull, 'r'));
    // Another call may have one meanwhile.
    if (this.#descriptor === undefined) this.#descriptor = descriptor;
    else closeSync(descriptor);
  }

  /** What `open` gives, which leaves nothing open; called once more with the spare one free if none is left. */
  use<T>(open: () => T): T {
    try {
      return open();
    } catch (error) {
      if (!isShortOfDescriptors(error) || this.#descriptor === undefined) throw error;
    }
    this.release();
    return open();
  }

  release(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
