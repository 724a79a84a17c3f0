import type { BatchOperation, StorageBackend } from '@securestore/backend-api';
import { WorkGroup } from '@securestore/objects/internal';

const WRITES = 16;
const BATCH_BYTES: number = 2 * 1024 * 1024;

/** Writes what is restored: many at once where it can. */
export class RestoreWriter {
  readonly #target: StorageBackend;
  readonly #signal: AbortSignal | undefined;
  #batch: { key: string; body: Uint8Array }[] = [];
  #bytes = 0;
  readonly #writes: WorkGroup;

  constructor(target: StorageBackend, signal: AbortSignal | undefined) {
    this.#target = target;
    this.#signal = signal;
    this.#writes = new WorkGroup(signal);
  }

  async write(key: string, body: Uint8Array): Promise<void> {
    this.#writes.check();
    const { maxBatch } = this.#target.capabilities;
    if (this.#target.batch === undefined || maxBatch < 2) {
      await this.#writes.below(WRITES);
      this.#writes.add(this.#target.write(key, body, { signal: this.#signal }));
      return;
    }
    this.#batch.push({ key, body });
    this.#bytes += body.length;
    if (this.#batch.length >= Math.min(maxBatch, 512) || this.#bytes >= BATCH_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const operations = this.#batch.map(({ key, body }): BatchOperation => ({ type: 'write', key, body }));
    [this.#batch, this.#bytes] = [[], 0];
    if (operations.length === 0) return;
    await this.#writes.below(1);
    this.#writes.check();
    this.#writes.add(this.#target.batch?.(operations, { signal: this.#signal }) ?? Promise.resolve());
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#writes.finish();
  }
}
