import { asBuffer, BACKUP_AREAS, SecureStoreError } from '@securestore/core-format';
import type { BackupSeals } from '@securestore/objects';
import type { Destination } from './destination.ts';

const NAME = `${BACKUP_AREAS.work}failed`;
const MAX_NAMES = 10_000;

/** What could not be copied by the runs before, which is tried again by every one: the names of records at the store's backend. */
export class FailedCopies {
  readonly #destination: Destination;
  readonly #seals: BackupSeals;

  constructor(destination: Destination, seals: BackupSeals) {
    this.#destination = destination;
    this.#seals = seals;
  }

  /** @throws SecureStoreError what the backend throws */
  async read(signal?: AbortSignal): Promise<string[]> {
    const { backend, id } = this.#destination;
    const found = await backend.read(NAME, { signal });
    if (found === undefined) return [];
    try {
      const plaintext = await this.#seals.open('backupWork', id, NAME, found.body, signal);
      return asBuffer(plaintext).toString('latin1').split('\n');
    } catch (error) {
      // Whoever can damage it can remove it, too.
      if (SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'FORMAT_VERSION')) return [];
      throw error;
    }
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
    const { backend, id } = this.#destination;
    if (next.length === 0) return backend.delete(NAME, { signal });
    const body = this.#seals.seal('backupWork', id, NAME, Buffer.from(next.join('\n'), 'latin1'));
    await backend.write(NAME, body, { signal });
  }
}
