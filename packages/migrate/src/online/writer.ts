import type { BatchOperation, StorageBackend } from '@securestore/backend-api';
import { asBuffer } from '@securestore/core-format';
import { isUndecided } from '@securestore/jobs';
import { WorkGroup } from '@securestore/objects/internal';
import { headerIn } from './linked.ts';
import { overtaken } from './overtaken.ts';

const WRITES = 16;
const BATCH_COUNT = 256;
const BATCH_BYTES: number = 2 * 1024 * 1024;

const MAX_TRIES = 5;

/** Something to be written. */
interface Entry {
  readonly key: string;
  readonly body: Uint8Array;
  /** What it replaces: something with an etag, or nothing. Without it, whatever lies there. */
  readonly before?: { readonly etag: string | undefined };
}

function conditionOf({ before }: Entry): { readonly ifAbsent?: true; readonly ifMatch?: string } {
  if (before === undefined) return {};
  return before.etag === undefined ? { ifAbsent: true } : { ifMatch: before.etag };
}

/** The version of a record; 0 where it is none. */
export const versionOf = (record: Uint8Array): number => headerIn(record)?.version ?? 0;

/** Writes to where a store moves to: many at once, and several in one go where it can. */
export class Writer {
  readonly #target: StorageBackend;
  readonly #signal: AbortSignal | undefined;
  #batch: Entry[] = [];
  #bytes = 0;
  readonly #writes: WorkGroup;

  constructor(target: StorageBackend, signal: AbortSignal | undefined) {
    this.#target = target;
    this.#signal = signal;
    this.#writes = new WorkGroup(signal);
  }

  /** Takes a body, to be written soon. @throws what an earlier write has failed of */
  write(key: string, body: Uint8Array): Promise<void> {
    return this.#take({ key, body });
  }

  /**
   * Takes a body that others replace once the store is there, to be written soon. What is written late, by a run that has died, must not take
   * the place of that: so it is written in the place of what was found, and only where something else lies there in that of it.
   *
   * @param etag of what was found; `undefined` where nothing was
   * @throws what an earlier write has failed of
   */
  replace(key: string, body: Uint8Array, etag: string | undefined): Promise<void> {
    return this.#take({ key, body, before: { etag } });
  }

  async #take(entry: Entry): Promise<void> {
    const { key, body } = entry;
    this.#writes.check();
    const { maxBatch } = this.#target.capabilities;
    if (this.#target.batch === undefined || maxBatch < 2) {
      await this.#writes.below(WRITES);
      this.#writes.add(this.#put(entry));
      return;
    }
    // A name that is in the batch already is written in the next one.
    while (this.#isFull || this.#batch.some((other) => other.key === key)) await this.#next();
    this.#batch.push(entry);
    this.#bytes += body.length;
    if (this.#isFull) this.#send();
  }

  get #isFull(): boolean {
    const most = Math.min(this.#target.capabilities.maxBatch, BATCH_COUNT);
    return this.#batch.length >= most || this.#bytes >= BATCH_BYTES;
  }

  /** Sends what has gathered, unless something is on its way: then more gathers meanwhile. */
  #send(): void {
    if (this.#writes.size > 0 || this.#batch.length === 0) return;
    const entries = this.#batch;
    [this.#batch, this.#bytes] = [[], 0];
    this.#writes.add(this.#putAll(entries));
  }

  async #putAll(entries: readonly Entry[]): Promise<void> {
    const operations = entries.map((entry): BatchOperation => {
      const { key, body } = entry;
      return { type: 'write', key, body, ...conditionOf(entry) };
    });
    try {
      await this.#target.batch?.(operations, { signal: this.#signal });
    } catch (error) {
      if (!isUndecided(error)) throw error;
      for (const entry of entries) await this.#put(entry);
    }
  }

  async #put(wanted: Entry): Promise<void> {
    const { key, body } = wanted;
    const signal = this.#signal;
    let entry = wanted;
    for (let tries = 1; ; tries++) {
      try {
        await this.#target.write(key, body, { ...conditionOf(entry), signal });
        return;
      } catch (error) {
        if (!isUndecided(error) || tries === MAX_TRIES) throw error;
      }
      const found = await this.#target.read(key, { signal });
      if (found !== undefined && asBuffer(body).equals(found.body)) return;
      if (entry.before === undefined) continue;
      if (found !== undefined && versionOf(found.body) >= versionOf(body)) throw overtaken();
      entry = { key, body, before: { etag: found?.etag } };
    }
  }

  /** Waits for what is on its way, and sends what has gathered until then. */
  async #next(): Promise<void> {
    await this.#writes.finish();
    this.#send();
  }

  /** Waits until everything is written. @throws what a write has failed of */
  async finish(): Promise<void> {
    do await this.#next();
    while (this.#writes.size > 0);
  }
}
