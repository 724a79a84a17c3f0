import type { BatchOperation, StorageBackend } from '@securestore/backend-api';

const WRITES = 16;
const BATCH_COUNT = 256;
const BATCH_BYTES: number = 2 * 1024 * 1024;

/** Writes to where a store moves to: many at once, and several in one go where it can. */
export class Writer {
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

  /** Takes a body, to be written soon. @throws what an earlier write has failed of */
  async write(key: string, body: Uint8Array): Promise<void> {
    this.#check();
    const { maxBatch } = this.#target.capabilities;
    if (this.#target.batch === undefined || maxBatch < 2) {
      while (this.#running.size >= WRITES) await Promise.race(this.#running);
      this.#run(this.#target.write(key, body, { signal: this.#signal }));
      return;
    }
    // A name that is in the batch already is written in the next one.
    while (this.#isFull || this.#batch.some((other) => other.key === key)) await this.#next();
    this.#batch.push({ key, body });
    this.#bytes += body.length;
    if (this.#isFull) this.#send();
  }

  get #isFull(): boolean {
    const most = Math.min(this.#target.capabilities.maxBatch, BATCH_COUNT);
    return this.#batch.length >= most || this.#bytes >= BATCH_BYTES;
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

  /** Sends what has gathered, unless something is on its way: then more gathers meanwhile. */
  #send(): void {
    if (this.#running.size > 0 || this.#batch.length === 0) return;
    const operations = this.#batch.map(({ key, body }): BatchOperation => ({ type: 'write', key, body }));
    [this.#batch, this.#bytes] = [[], 0];
    this.#run(this.#target.batch?.(operations, { signal: this.#signal }) ?? Promise.resolve());
  }

  /** Waits for what is on its way, and sends what has gathered until then. */
  async #next(): Promise<void> {
    await Promise.all(this.#running);
    this.#check();
    this.#send();
  }

  /** Waits until everything is written. @throws what a write has failed of */
  async finish(): Promise<void> {
    do await this.#next();
    while (this.#running.size > 0);
  }
}
