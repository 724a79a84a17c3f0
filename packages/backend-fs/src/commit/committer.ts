import type { CallSite, WriteResult } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { applyChange, type Change, type Touched } from './changes.ts';
import { descriptorsToBegin, SpareDescriptor } from '../files/descriptors.ts';
import { toStoreError } from '../files/errors.ts';
import { FileLock } from './lock.ts';
import { Growth } from './growth.ts';
import { LOCK_FILE } from '../files/names.ts';
import type { StoreClock } from '../files/store-clock.ts';
import type { StoreFolder } from './store-folder.ts';
import { syncFolderSoon } from '../files/sync-folder.ts';

/** The most changes under one lock, so that neither other processes nor the event loop wait for long. */
const GROUP_CHANGES = 64;
const BUSY_POLL_MS = 1;
/** How long others may keep the store's lock before a write gives up. */
const BUSY_LIMIT_MS = 30_000;

interface Waiting {
  readonly change: Change;
  readonly site: CallSite;
  readonly resolve: (result: WriteResult | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Carries out changes one group at a time: all that wait are done under one lock, and then each folder is made
 * durable once for all of them.
 */
export class Committer {
  readonly #folder: StoreFolder;
  readonly #clock: StoreClock;
  readonly #queue: Waiting[] = [];
  readonly #spare = new SpareDescriptor();
  #lock: FileLock | undefined;
  #draining = false;

  constructor(folder: StoreFolder, clock: StoreClock) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Resolves once `change` is durable. */
  submit(change: Change, site: CallSite): Promise<WriteResult | undefined> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ change, site, resolve, reject });
      if (this.#draining) return;
      this.#draining = true;
      void this.#drain();
    });
  }

  /**
   * Runs `task`, which may not wait for anything, with the lock that all writers of the store share.
   *
   * @throws SecureStoreError `UNAVAILABLE` if other processes keep it for half a minute, or the store folder is gone.
   */
  async exclusively<T>(task: () => T): Promise<T> {
    await this.#spare.acquire();
    const since = performance.now();
    for (;;) {
      const lock = this.#currentLock() ?? (await this.#newLock());
      if (lock.tryTake()) {
        try {
          return task();
        } finally {
          lock.free();
        }
      }
      if (performance.now() - since > BUSY_LIMIT_MS) {
        const message = `${this.#folder.path}: other processes kept the lock of the store for ${BUSY_LIMIT_MS / 1000} s`;
        throw new SecureStoreError('UNAVAILABLE', message, { backend: 'fs', advice: [{ id: 'try-again' }] });
      }
      await sleep(BUSY_POLL_MS);
    }
  }

  close(): void {
    this.#lock?.close();
    this.#lock = undefined;
    this.#spare.release();
  }

  /** The lock on the file that is in place: with a removed one we would be alone. */
  #currentLock(): FileLock | undefined {
    this.#folder.ensure();
    return this.#lock?.isInPlace() === true ? this.#lock : undefined;
  }

  async #newLock(): Promise<FileLock> {
    await descriptorsToBegin();
    // Another call may have made it meanwhile.
    const current = this.#currentLock();
    if (current !== undefined) return current;
    this.#lock?.close();
    return (this.#lock = new FileLock(`${this.#folder.path}/${LOCK_FILE}`));
  }

  async #drain(): Promise<void> {
    // After a turn of the event loop everything that is ready at the same time shares a group.
    for (await nextTurn(); this.#queue.length > 0;) await this.#commit(this.#queue.splice(0, GROUP_CHANGES));
    this.#draining = false;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const touched: Touched = { changed: new Set(), grown: new Growth(`${this.#folder.path}/`) };
    const done = new Map<Waiting, WriteResult | undefined>();
    try {
      await this.exclusively(() => this.#apply(group, touched, done));
      await Promise.all([...touched.changed].map((folder) => syncFolderSoon(`${this.#folder.path}/${folder}`)));
      this.#folder.exists();
    } catch (error) {
      for (const waiting of group) this.#fail(waiting, error, done.has(waiting) ? 'unknown' : undefined);
    }
    for (const [{ resolve }, result] of done) resolve(result);
  }

  /** One that can't be done must not take the others with it. */
  #apply(group: readonly Waiting[], touched: Touched, done: Map<Waiting, WriteResult | undefined>): void {
    const root = `${this.#folder.path}/`;
    this.#spare.use(() => touched.grown.recover());
    const time = this.#spare.use(() => this.#clock.tick());
    for (const waiting of group) {
      try {
        const result = this.#spare.use(() => applyChange(root, waiting.change, touched, time));
        done.set(waiting, result);
      } catch (error) {
        this.#fail(waiting, error);
      }
    }
    this.#spare.use(() => touched.grown.flush());
  }

  #fail({ reject, site }: Waiting, error: unknown, outcome?: 'unknown'): void {
    reject(toStoreError(error, this.#folder.path, 'write', { ...site, outcome }));
  }
}
