import { SecureStoreError } from '@securestore/core-format';
import type { Clock, JobStorage, StoredState } from '../../src/index.ts';

/** What may go wrong with a call. */
export type Fault =
  /** Nothing happens, and the caller knows. */
  | 'unavailable'
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

/** States in memory, with a clock of their own and faults as the test likes. */
export class TestStorage implements JobStorage {
  readonly entries: Map<string, Entry> = new Map();
  readonly calls: Call[] = [];
  /** Asked before each call; without it all goes well. */
  fault: ((call: Call) => Fault | undefined) | undefined;
  readonly #clock: Clock;
  readonly #tellsTime: boolean;
  #etags = 0;

  constructor(clock: Clock, tellsTime = true) {
    this.#clock = clock;
    this.#tellsTime = tellsTime;
  }

  read(id: string): Promise<StoredState | undefined> {
    return this.#call('read', () => {
      const entry = this.entries.get(id);
      return entry && { ...entry, ...(this.#tellsTime && { now: this.#now() }) };
    });
  }

  write(id: string, state: Uint8Array, condition: { ifAbsent: true } | { ifMatch: string }): Promise<{ etag: string }> {
    return this.#call('write', () => {
      const expected = 'ifMatch' in condition ? condition.ifMatch : undefined;
      this.#checkEtag(id, expected);
      return this.put(id, state);
    });
  }

  remove(id: string, etag: string): Promise<void> {
    return this.#call('remove', () => {
      this.#checkEtag(id, etag);
      this.entries.delete(id);
    });
  }

  async *list(): AsyncGenerator<string> {
    yield* this.entries.keys();
  }

  /** Writes without conditions and faults. */
  put(id: string, state: Uint8Array): { etag: string } {
    const etag = `e${++this.#etags}`;
    this.entries.set(id, { state, etag, modified: this.#now() });
    return { etag };
  }

  /** The clock of a backend is another one: here an hour behind. */
  #now(): number {
    return this.#clock.uptime() - 3_600_000 + Date.UTC(2026, 0, 1);
  }

  #checkEtag(id: string, expected: string | undefined): void {
    if (this.entries.get(id)?.etag !== expected) throw new SecureStoreError('CONFLICT', 'the state is another one');
  }

  async #call<T>(call: Call, act: () => T): Promise<T> {
    this.calls.push(call);
    const fault = this.fault?.(call);
    if (fault === undefined) return act();
    if (fault === 'unavailable') throw new SecureStoreError('UNAVAILABLE', 'the backend is away');
    if (fault === 'late') {
      await this.#clock.sleep(30_000);
      return act();
    }
    if (fault.startsWith('done')) act();
    if (fault.endsWith('stalled')) return new Promise(() => undefined);
    throw new SecureStoreError('UNAVAILABLE', 'the connection broke', { outcome: 'unknown' });
  }
}
