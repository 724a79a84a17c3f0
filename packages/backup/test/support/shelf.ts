import type { Layer, StorageBackend } from '@securestore/backend-api';
import { composeLayers } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { SecureStoreError } from '@securestore/core-format';
import type { Connect } from '../../src/index.ts';
import { loaded } from './loaded.ts';

await loaded;

/** Places in memory, which are there for whoever asks for them by name. */
export class Shelf {
  readonly places: Map<string, StorageBackend> = new Map();
  /** Places that can't be reached now. */
  readonly down: Set<string> = new Set();
  readonly #now: () => number;
  readonly #layers: readonly Layer[];

  constructor(now: () => number, layers: readonly Layer[] = []) {
    this.#now = now;
    this.#layers = layers;
  }

  async at(url: string): Promise<StorageBackend> {
    const known = this.places.get(url);
    if (known !== undefined) return known;
    const backend = new MemoryBackend({ clock: this.#now });
    await backend.init({ url: 'memory:', options: {} });
    this.places.set(url, backend);
    return backend;
  }

  get connect(): Connect {
    return {
      nameOf: (url) => url,
      connect: async (url) => {
        if (this.down.has(url)) throw new SecureStoreError('UNAVAILABLE', `${url} can't be reached`);
        const backend = composeLayers(await this.at(url), this.#layers);
        return { backend, url, close: async () => undefined };
      },
    };
  }
}
