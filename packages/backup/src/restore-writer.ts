import type { BatchOperation, StorageBackend } from '@securestore/backend-api';

const WRITES = 16;
const BATCH_BYTES: number = 2 * 1024 * 1024;

/** Writes what is restored: many at once where it can. */
export class RestoreWriter {
  readonly #target: StorageBackend;
  readonly #signal: AbortSignal | undefined;
  #batch: { key: string; body: Uint8Array }[] = [];
  #bytes = 0;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(target: StorageBackend, signal: AbortSignal | undefined) {
    this.#target = target;
    this.#signal = signal;
  }

  async write(key: string, body: Uint8Array): Promise<void> {
    this.#check();
    const { maxBatch } = this.#target.capabilities;
    if (this.#target.batch === undefined || maxBatch < 2) {
      while (this.#running.size >= WRITES) await Promise.race(this.#running);
      this.#run(this.#target.write(key, body, { signal: this.#signal }));
      return;
    }
    this.#batch.push({ key, body });
    this.#bytes += body.length;
    if (this.#batch.length >= Math.min(maxBatch, 512) || this.#bytes >= BATCH_BYTES) await this.#flush();
  }

  #run(work: Promise<unknown>): void {
    const running: Promise<void> = work
      .then(() => undefined)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#signal?.throwIfAborted();
  }

  async #flush(): Promise<void> {
    const operations = this.#batch.map(({ key, body }): BatchOperation => ({ type: 'write', key, body }));
    [this.#batch, this.#bytes] = [[], 0];
    if (operations.length === 0) return;
    while (this.#running.size > 0) await Promise.race(this.#running);
    this.#check();
    this.#run(this.#target.batch?.(operations, { signal: this.#signal }) ?? Promise.resolve());
  }

  async finish(): Promise<void> {
    await this.#flush();
    await Promise.all(this.#running);
    this.#check();
  }
}
