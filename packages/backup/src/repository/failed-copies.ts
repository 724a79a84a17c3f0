import type { BackupSeals } from '@securestore/objects/internal';
import type { Destination } from './destination.ts';
import { WorkFiles } from './run-state-files.ts';

const MAX_NAMES = 10_000;

/** What could not be copied by the runs before, which is tried again by every one: the names of records at the store's backend. */
export class FailedCopies {
  readonly #files: WorkFiles;

  constructor(destination: Destination, seals: BackupSeals) {
    this.#files = new WorkFiles(destination, seals, 'failed');
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
