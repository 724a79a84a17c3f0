import { SecureStoreError } from '@securestore/core-format';
import type { Clock, JobStorage, StoredState } from '../../src/index.ts';

/** What may go wrong with a call. */
export type Fault =
  /** Nothing happens, and the caller knows. */
  | 'unavailable'
  /** Nothing happens, and the caller is told of a conflict that isn't there. */
  | 'conflict'
  | 'denied'
  /** It takes place, the caller doesn't know. */
  | 'done unknown'
  /** It doesn't take place, the caller doesn't know. */
  | 'undone unknown'
  /** It takes place, but there is never an answer. */
  | 'done stalled'
  /** It doesn't take place, and there is never an answer. */
  | 'undone stalled'
  /** It takes place half a minute later. */
  | 'late';

export type Call = 'read' | 'write' | 'remove';

interface Entry {
  readonly state: Uint8Array;
  readonly etag: string;
  readonly modified: number;
}

/** What several processes have in common: states in memory, with a clock of their own. */
export class TestStorage {
  readonly entries: Map<string, Entry> = new Map();
  removals = 0;
  readonly clock: Clock;
  readonly #tellsTime: boolean;
  #etags = 0;

  constructor(clock: Clock, tellsTime: boolean) {
    this.clock = clock;
    this.#tellsTime = tellsTime;
  }

  get(id: string): StoredState | undefined {
    const entry = this.entries.get(id);
    return entry && { ...entry, ...(this.#tellsTime && { now: this.#now() }) };
  }

  put(id: string, state: Uint8Array): { etag: string } {
    const etag = `e${++this.#etags}`;
    this.entries.set(id, { state, etag, modified: this.#now() });
    return { etag };
  }

  remove(id: string): void {
    this.removals++;
    this.entries.delete(id);
  }

  /** The clock of a backend is another one: here an hour behind. */
  #now(): number {
    return this.clock.uptime() - 3_600_000 + Date.UTC(2026, 0, 1);
  }
}

/** The way of one process to the storage, with faults as the test likes. */
export class Connection implements JobStorage {
  readonly calls: Call[] = [];
  /** Asked before each call; without it all goes well. */
  fault: ((call: Call) => Fault | undefined) | undefined;
  readonly #storage: TestStorage;

  constructor(storage: TestStorage) {
    this.#storage = storage;
  }

  /** From here on nothing gets through any more, as if the process were dead. */
  cut(): void {
    this.fault = () => 'undone stalled';
  }

  mend(): void {
    this.fault = undefined;
  }

  read(id: string): Promise<StoredState | undefined> {
    return this.#call('read', () => this.#storage.get(id));
  }

  write(id: string, state: Uint8Array, condition: { ifAbsent: true } | { ifMatch: string }): Promise<{ etag: string }> {
    return this.#call('write', () => {
      this.#checkEtag(id, 'ifMatch' in condition ? condition.ifMatch : undefined);
      return this.#storage.put(id, state);
    });
  }

  remove(id: string, etag: string): Promise<void> {
    return this.#call('remove', () => {
      this.#checkEtag(id, etag);
      this.#storage.remove(id);
    });
  }

  async *list(): AsyncGenerator<string> {
    yield* this.#storage.entries.keys();
  }

  #checkEtag(id: string, expected: string | undefined): void {
    if (this.#storage.get(id)?.etag !== expected) throw new SecureStoreError('CONFLICT', 'the state is another one');
  }

  async #call<T>(call: Call, act: () => T): Promise<T> {
    this.calls.push(call);
    const fault = this.fault?.(call);
    if (fault === undefined) return act();
    if (fault === 'unavailable') throw new SecureStoreError('UNAVAILABLE', 'the backend is away');
    if (fault === 'denied') throw new SecureStoreError('ACCESS_DENIED', 'the backend refuses');
    if (fault === 'conflict') throw new SecureStoreError('CONFLICT', 'the state is another one, says the backend');
    if (fault === 'late') {
      await this.#storage.clock.sleep(30_000);
      return act();
    }
    if (fault.startsWith('done')) act();
    if (fault.endsWith('stalled')) return new Promise(() => undefined);
    throw new SecureStoreError('UNAVAILABLE', 'the connection broke', { outcome: 'unknown' });
  }
}
