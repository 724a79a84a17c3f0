import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteStore, SecureStore } from 'securestore';
import { SecureStoreError } from 'securestore';
import { expect } from 'vitest';

/** How many objects each client replaces in turn. */
const KEYS = 10;

/** Clients that store objects until they are stopped, and what was acknowledged. */
export class Load {
  readonly acknowledged = new Map<string, string>();
  readonly tried = new Map<string, string>();
  readonly #stopped = new AbortController();
  /** The longest request, in milliseconds. */
  longest = 0;
  /** Requests whose outcome is unknown. */
  lost = 0;
  /** Requests that were acknowledged. */
  count = 0;
  /** How long each client waits between its requests, in milliseconds. */
  pause = 0;

  /** Stores until the load is stopped. @throws SecureStoreError what no death of a process explains */
  async run(client: number, store: RemoteStore): Promise<void> {
    for (let n = 0; !this.#stopped.signal.aborted; n++) {
      const [key, data] = [`client/${client}/${n % KEYS}`, String(n)];
      this.tried.set(key, data);
      const begun = performance.now();
      try {
        await store.store(key, data.padEnd(n % 50 === 0 ? 100_000 : 10));
        this.acknowledged.set(key, data);
        this.count += 1;
      } catch (error) {
        // The outcome of what was under way is unknown.
        if (!SecureStoreError.is(error, 'UNAVAILABLE')) throw error;
        this.lost += 1;
      }
      this.longest = Math.max(this.longest, performance.now() - begun);
      if (this.pause > 0) await sleep(this.pause);
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  /** Expects that each object is what was acknowledged last, or what was tried after it. */
  async expectAllIn(store: RemoteStore | SecureStore): Promise<void> {
    for (const [key, data] of this.acknowledged) {
      expect([data, this.tried.get(key)], key).toContain((await store.retrieve(key)).text().trimEnd());
    }
  }
}
