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
import { isRefused, withFallback } from './errors.ts';
import { writeOnce } from './files.ts';

/** How many foreign files among the states are skipped. */
const MAX_STRANGE = 100;

/** What was read. */
export interface RunState {
  readonly plaintext: Buffer;
  /** Whether it is sealed under a version of the key that has been replaced. */
  readonly isOld: boolean;
}

/** Decrypts a state of a destination; `undefined` if it is damaged: a writer who can damage it can remove it, too. */
export function openState(
  seals: BackupSeals,
  destination: Uint8Array,
  name: string,
  body: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<RunState | undefined> {
  return withFallback(isDamage, undefined, async () => {
    const plaintext = await seals.open('backupWork', destination, name, body, signal);
    return { plaintext, isOld: seals.keyIdOf(body) !== seals.primaryId };
  });
}

/**
 * A state at a destination, for later runs. Each version has its own name, since a backend may refuse to replace and to remove files: the
 * newest counts, and the others are removed if that is allowed.
 */
export class RunStateFiles {
  readonly #destination: Destination;
  readonly #seals: BackupSeals;
  readonly #what: string;
  /** The number of the newest state, once that is known; 0 if there is none. */
  #newest: number | undefined;
  /** Whether anything was there, or is. */
  #isUsed = true;

  /** @param what what it is about, as it is in the names: of `a-z` */
  constructor(destination: Destination, seals: BackupSeals, what: string) {
    this.#destination = destination;
    this.#seals = seals;
    this.#what = what;
  }

  /** The newest state; `undefined` if there is none. @throws SecureStoreError what the backend throws */
  async read(signal?: AbortSignal): Promise<RunState | undefined> {
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

  async #open(name: string, signal: AbortSignal | undefined): Promise<RunState | undefined> {
    const { backend, id } = this.#destination;
    const found = await backend.read(name, { signal });
    return found && openState(this.#seals, id, name, found.body, signal);
  }

  /** Writes the next state. @throws SecureStoreError what the backend throws */
  async write(plaintext: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { backend, id } = this.#destination;
    if (this.#newest === undefined) await this.read(signal);
    const before = this.#newest ?? 0;
    let number = before + 1;
    // Other processes may have written meanwhile, or another writer a foreign file.
    for (let tries = 1; ; tries++, number++) {
      const name = backupWorkName(this.#what, number);
      const body = this.#seals.seal('backupWork', id, name, plaintext);
      const isTaken = await writeOnce(backend, name, body, signal);
      if (!isTaken) break;
      if (tries < MAX_STRANGE) continue;
      const message = `the run state at ${this.#destination.url} was changed by other processes ${MAX_STRANGE} times`;
      throw new SecureStoreError('CONFLICT', message, { advice: [{ id: 'try-again' }] });
    }
    this.#newest = number;
    this.#isUsed = true;
    if (before > 0) await this.#remove(backupWorkName(this.#what, before), signal);
  }

  /**
   * Removes all states. If that is refused, the newest one stays what it is.
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
    return withFallback(isRefused, false, async () => {
      await this.#destination.backend.delete(name, { signal });
      return true;
    });
  }
}

const MAX_NAMES = 10_000;

/** Names of records at the store's backend that earlier runs could not copy: every run tries them again. */
export class FailedCopies {
  readonly #files: RunStateFiles;

  constructor(destination: Destination, seals: BackupSeals) {
    this.#files = new RunStateFiles(destination, seals, 'failed');
  }

  /** @throws SecureStoreError what the backend throws */
  async read(signal?: AbortSignal): Promise<string[]> {
    const found = await this.#files.read(signal);
    const text = found?.plaintext.toString('latin1') ?? '';
    return text === '' ? [] : text.split('\n');
  }

  /** Has the next snapshot try again what could not be copied now. */
  async add(failed: readonly { readonly name: string }[], signal?: AbortSignal): Promise<void> {
    if (failed.length === 0) return;
    const before = await this.read(signal);
    await this.replace(before, [...before, ...failed.map(({ name }) => name)], signal);
  }

  /** @param before what {@link read} gave */
  async replace(before: readonly string[], names: readonly string[], signal?: AbortSignal): Promise<void> {
    const next = [...new Set(names)].toSorted().slice(0, MAX_NAMES);
    if (next.join('\n') === before.join('\n')) return;
    if (next.length === 0 && (await this.#files.clear(signal))) return;
    await this.#files.write(Buffer.from(next.join('\n'), 'latin1'), signal);
  }
}
