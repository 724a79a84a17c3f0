import { KeyIndex } from './key-index.ts';

/** A stored body with what the contract tells of it. */
export interface StoredBody {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly modified: number;
}

/** What lies at one store URL: shared by all backends that opened it. */
export class MemoryData {
  readonly #bodies = new Map<string, StoredBody>();
  readonly #index: KeyIndex = new KeyIndex((key) => this.#bodies.has(key));
  readonly #clock: () => number;
  #lastTime = 0;
  #writes = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** The clock of this store URL, which never runs backwards whatever the machine's does. */
  now(): number {
    const time = this.#clock();
    if (time > this.#lastTime) this.#lastTime = time;
    return this.#lastTime;
  }

  get(key: string): StoredBody | undefined {
    return this.#bodies.get(key);
  }

  /**
   * Stores a copy of `body`, or the body itself if it is `owned` and keeps hardly more memory than a copy. That is so if it
   * takes up most of its memory, or if this is no larger than a block of the pool of `Buffer`, which has the copies.
   */
  set(key: string, body: Uint8Array, owned?: true): StoredBody {
    this.#writes += 1;
    const memory = body.buffer.byteLength;
    const isKept = owned === true && (body.length * 2 > memory || memory <= Buffer.poolSize);
    const stored = { body: isKept ? body : copyOf(body), etag: this.#writes.toString(36), modified: this.now() };
    if (!this.#bodies.has(key)) this.#index.touch(key);
    this.#bodies.set(key, stored);
    return stored;
  }

  delete(key: string): void {
    if (this.#bodies.delete(key)) this.#index.touch(key);
  }

  /** The keys that start with `prefix`, strictly after `after` where it is given, in byte order. */
  keys(prefix: string, after: string | undefined): Iterable<string> {
    const skipTo = after !== undefined && after >= prefix;
    return this.#index.from(skipTo ? after : prefix, !skipTo, prefix);
  }
}

/** In the pool of `Buffer` where it is small, which takes a tenth of the time of an allocation of its own. */
export function copyOf(body: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.allocUnsafe(body.length);
  const copy = new Uint8Array(buffer, byteOffset, length);
  copy.set(body);
  return copy;
}

/** What `memory:name` means, for as long as the process lives. */
export const namedData: Map<string, MemoryData> = new Map();

/** The data under `name`, new where it is asked for the first time; `clock` counts only then. */
export function sharedData(name: string, clock: () => number): MemoryData {
  const existing = namedData.get(name);
  if (existing !== undefined) return existing;
  const data = new MemoryData(clock);
  namedData.set(name, data);
  return data;
}
