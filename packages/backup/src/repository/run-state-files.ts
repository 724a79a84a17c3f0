import {
  backupWorkName,
  backupWorkNumber,
  backupWorkPrefix,
  isDamage,
  SecureStoreError,
} from '@securestore/core-format';
import type { BackupSeals } from '@securestore/objects/internal';
import { entriesUnder, listPage } from '@securestore/objects/internal';
import type { Destination } from './destination.ts';
import { isRefused, writeOnce } from './files.ts';

/** What isn't a state, and was put there by somebody else, is passed over so often. */
const MAX_STRANGE = 100;

/** What was read. */
export interface WorkState {
  readonly plaintext: Buffer;
  /** Whether it is sealed under a version of the key that has been replaced. */
  readonly isOld: boolean;
}

/**
 * Something at a destination that changes, for runs to come. Each state has a name of its own, since a place may refuse to replace and to
 * remove what is there: the newest counts, and the others are removed where that is allowed.
 */
export class WorkFiles {
  readonly #destination: Destination;
  readonly #seals: BackupSeals;
  readonly #what: string;
  /** The number of the newest state, once that is known; 0 where there is none. */
  #newest: number | undefined;
  /** Whether anything was there, or is. */
  #isUsed = true;

  /** @param what what it is about, as it is in the names: of `a-z` */
  constructor(destination: Destination, seals: BackupSeals, what: string) {
    this.#destination = destination;
    this.#seals = seals;
    this.#what = what;
  }

  /** The newest state; `undefined` where there is none. @throws SecureStoreError what the backend throws */
  async read(signal?: AbortSignal): Promise<WorkState | undefined> {
    const { backend } = this.#destination;
    const { entries } = await listPage(backend, backupWorkPrefix(this.#what), { limit: MAX_STRANGE, signal });
    this.#newest = 0;
    this.#isUsed = entries.length > 0;
    for (const { key } of entries) {
      const number = backupWorkNumber(this.#what, key);
      const state = number === undefined ? undefined : await this.#open(key, signal);
      if (number === undefined || state === undefined) continue;
      this.#newest = number;
      return state;
    }
    return undefined;
  }

  async #open(name: string, signal: AbortSignal | undefined): Promise<WorkState | undefined> {
    const { backend, id } = this.#destination;
    const found = await backend.read(name, { signal });
    if (found === undefined) return undefined;
    try {
      const plaintext = await this.#seals.open('backupWork', id, name, found.body, signal);
      return { plaintext, isOld: this.#seals.keyIdOf(found.body) !== this.#seals.primaryId };
    } catch (error) {
      // Whoever can damage it can remove it, too.
      if (isDamage(error)) return undefined;
      throw error;
    }
  }

  /** Writes the next state. @throws SecureStoreError what the backend throws */
  async write(plaintext: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { backend, id } = this.#destination;
    if (this.#newest === undefined) await this.read(signal);
    const before = this.#newest ?? 0;
    let number = before + 1;
    // Others may have written meanwhile, or put something else there.
    for (let tries = 1; ; tries++, number++) {
      const name = backupWorkName(this.#what, number);
      const body = this.#seals.seal('backupWork', id, name, plaintext);
      const isTaken = await writeOnce(backend, name, body, signal);
      if (!isTaken) break;
      if (tries < MAX_STRANGE) continue;
      throw new SecureStoreError('CONFLICT', `${this.#destination.location}: others write ${name} again and again`);
    }
    this.#newest = number;
    this.#isUsed = true;
    if (before > 0) await this.#remove(backupWorkName(this.#what, before), signal);
  }

  /**
   * Removes all states. Where that is refused, the newest one stays what it is.
   *
   * @returns whether nothing is left
   */
  async clear(signal?: AbortSignal): Promise<boolean> {
    if (!this.#isUsed) return true;
    const prefix = backupWorkPrefix(this.#what);
    for await (const { key } of entriesUnder(this.#destination.backend, prefix, { signal })) {
      if (!(await this.#remove(key, signal))) return false;
    }
    [this.#newest, this.#isUsed] = [0, false];
    return true;
  }

  async #remove(name: string, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await this.#destination.backend.delete(name, { signal });
      return true;
    } catch (error) {
      if (isRefused(error)) return false;
      throw error;
    }
  }
}
