import type { BatchOperation, StorageBackend } from '@securestore/backend-api';
import { WorkGroup } from '@securestore/objects/internal';
import { WrittenMemory } from '../repository/written-memory.ts';

const WRITES = 16;
const BATCH_BYTES: number = 2 * 1024 * 1024;
const SLAB_BYTES: number = 512 * 1024;
/** Those of the batch that is written, and of the next one. */
const SLABS: number = (2 * BATCH_BYTES) / SLAB_BYTES;

/** Writes what is restored: many at once where it can. */
export class RestoreWriter {
  readonly #target: StorageBackend;
  readonly #signal: AbortSignal | undefined;
  #batch: { key: string; body: Uint8Array }[] = [];
  #bytes = 0;
  readonly #memory = new WrittenMemory(SLAB_BYTES, SLABS);
  /** The memory that {@link allocate} has given since the last batch. */
  #slabs: Buffer[] = [];
  #free: Buffer = Buffer.alloc(0);
  readonly #writes: WorkGroup;

  constructor(target: StorageBackend, signal: AbortSignal | undefined) {
    this.#target = target;
    this.#signal = signal;
    this.#writes = new WorkGroup(signal);
  }

  /** The most operations of a batch; undefined if the target has none. */
  get #maxBatch(): number | undefined {
    const { maxBatch } = this.#target.capabilities;
    return this.#target.batch === undefined || maxBatch < 2 ? undefined : Math.min(maxBatch, 512);
  }

  /**
   * Memory for one body, which is to be written before the next one is asked for, or not at all. It is used again when its batch is
   * written: the garbage collector would let that of thousands of small ones pile up.
   */
  readonly allocate = (length: number): Buffer => {
    if (this.#maxBatch === undefined || length > SLAB_BYTES / 4) return Buffer.allocUnsafe(length);
    if (length > this.#free.length) this.#slabs.push((this.#free = this.#memory.take(SLAB_BYTES)));
    const given = this.#free.subarray(0, length);
    this.#free = this.#free.subarray(length);
    return given;
  };

  async write(key: string, body: Uint8Array): Promise<void> {
    this.#writes.check();
    const most = this.#maxBatch;
    if (most === undefined) {
      await this.#writes.below(WRITES);
      this.#writes.add(this.#target.write(key, body, { signal: this.#signal }));
      return;
    }
    this.#batch.push({ key, body });
    this.#bytes += body.length;
    if (this.#batch.length >= most || this.#bytes >= BATCH_BYTES) await this.#flush();
  }

  async #flush(): Promise<void> {
    const operations = this.#batch.map(({ key, body }): BatchOperation => ({ type: 'write', key, body }));
    const slabs = this.#slabs;
    [this.#batch, this.#bytes, this.#slabs, this.#free] = [[], 0, [], Buffer.alloc(0)];
    if (operations.length === 0) return;
    await this.#writes.below(1);
    this.#writes.check();
    this.#writes.add(this.#writeBatch(operations, slabs));
  }

  async #writeBatch(operations: readonly BatchOperation[], slabs: readonly Buffer[]): Promise<void> {
    await this.#target.batch?.(operations, { signal: this.#signal });
    for (const slab of slabs) this.#memory.give(slab);
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#writes.finish();
  }
}
