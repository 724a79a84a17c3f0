import { setImmediate } from 'node:timers/promises';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock, StateStorage, StoredState } from '@securestore/jobs';

interface Wakeup {
  readonly at: number;
  readonly order: number;
  /** @returns `false` where nothing came of it */
  readonly wake: () => unknown;
}

/** Time that passes for many processes at once: from one moment at which something happens to the next. */
export class World {
  time: number;
  #order = 0;
  /** A heap, the earliest first. */
  readonly #queue: Wakeup[] = [];

  /** @param start milliseconds since 1970 */
  constructor(start: number) {
    this.time = start;
  }

  at(at: number, wake: () => unknown): void {
    const queue = this.#queue;
    const added = { at, order: this.#order++, wake };
    let place = queue.push(added) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = queue[parent];
      if (above === undefined || !isBefore(added, above)) break;
      queue[place] = above;
      place = parent;
    }
    queue[place] = added;
  }

  /** Lets time pass until `end`; whatever happens at one moment is over before the next. */
  async until(end: number): Promise<void> {
    await setImmediate();
    for (let first = this.#queue[0]; first !== undefined && first.at <= end; first = this.#queue[0]) {
      this.#pop();
      this.time = Math.max(this.time, first.at);
      if (first.wake() !== false) await setImmediate();
    }
    this.time = end;
  }

  #pop(): void {
    const queue = this.#queue;
    const last = queue.pop();
    if (last === undefined || queue.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const [left, right] = [queue[child], queue[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child += 1;
      const least = queue[child];
      if (least === undefined || !isBefore(least, last)) break;
      queue[place] = least;
      place = child;
    }
    queue[place] = last;
  }
}

function isBefore(one: Wakeup, other: Wakeup): boolean {
  return one.at === other.at ? one.order < other.order : one.at < other.at;
}

/** What the processes share: states in memory. */
export class SharedStorage {
  readonly entries: Map<string, StoredState> = new Map();
  /** Called with each state that is written. */
  onWrite: ((id: string, state: Uint8Array) => void) | undefined;
  readonly #world: World;
  readonly #tellsTime: boolean;
  readonly #behind: number;
  #etags = 0;

  /** @param behind by how much its clock is behind, in milliseconds */
  constructor(world: World, { tellsTime = true, behind = 0 }: { tellsTime?: boolean; behind?: number } = {}) {
    this.#world = world;
    this.#tellsTime = tellsTime;
    this.#behind = behind;
  }

  read(id: string): StoredState | undefined {
    const entry = this.entries.get(id);
    return entry && { ...entry, ...(this.#tellsTime && { now: this.#now() }) };
  }

  write(id: string, state: Uint8Array, condition: { ifAbsent: true } | { ifMatch: string }): { etag: string } {
    const expected = 'ifMatch' in condition ? condition.ifMatch : undefined;
    if (this.entries.get(id)?.etag !== expected) throw new SecureStoreError('CONFLICT', 'the state is another one');
    const etag = `e${++this.#etags}`;
    this.entries.set(id, { state: Buffer.from(state), etag, modified: this.#now() });
    this.onWrite?.(id, state);
    return { etag };
  }

  #now(): number {
    return this.#world.time - this.#behind;
  }
}

/** A process that can be killed, and stopped for a while. */
export class Process {
  readonly clock: Clock;
  readonly storage: StateStorage;
  alive = true;
  /** When it last went on after it had been stopped. */
  resumedAt = -Infinity;
  /** How long a call of the storage takes, in milliseconds. */
  latency: number = 20;
  /** Asked before each call: `unavailable` fails it, `unknown` lets it take place and fails it. */
  fault: ((call: 'read' | 'write') => 'unavailable' | 'unknown' | undefined) | undefined;
  readonly #world: World;
  #paused = false;
  #parked: (() => void)[] = [];

  /** @param skew by how much its clock is ahead, in milliseconds */
  constructor(world: World, shared: SharedStorage, skew = 0) {
    this.#world = world;
    this.clock = {
      now: () => world.time + skew,
      uptime: () => world.time - Date.UTC(2020, 0, 1),
      sleep: (milliseconds, signal) => this.#sleep(milliseconds, signal),
    };
    this.storage = {
      read: (id) => this.#call('read', () => shared.read(id)),
      write: (id, state, condition) => this.#call('write', () => shared.write(id, state, condition)),
    };
  }

  get running(): boolean {
    return this.alive && !this.#paused;
  }

  kill(): void {
    this.alive = false;
  }

  /** As if the process were stopped, or its machine asleep. */
  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.resumedAt = this.#world.time;
    const parked = this.#parked;
    this.#parked = [];
    for (const act of parked) this.#world.at(this.#world.time, () => this.#act(act));
  }

  /** Does something as this process: never where it is dead, later where it is stopped. */
  #act(act: () => void): void {
    if (!this.alive) return;
    if (this.#paused) this.#parked.push(act);
    else act();
  }

  #sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let aborted = false;
      const abort = (): void => {
        aborted = true;
        this.#act(() => reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted')));
      };
      if (signal?.aborted === true) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#world.at(this.#world.time + milliseconds, () => {
        if (aborted || !this.alive) return false;
        this.#act(() => {
          signal?.removeEventListener('abort', abort);
          resolve();
        });
        return true;
      });
    });
  }

  async #call<T>(call: 'read' | 'write', act: () => T): Promise<T> {
    await this.#sleep(this.latency / 2);
    const fault = this.fault?.(call);
    if (fault === 'unavailable') throw new SecureStoreError('UNAVAILABLE', 'the storage is away');
    const result = act();
    await this.#sleep(this.latency / 2);
    if (fault === 'unknown') throw new SecureStoreError('UNAVAILABLE', 'the connection broke', { outcome: 'unknown' });
    return result;
  }
}
