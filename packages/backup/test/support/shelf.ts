import type { Layer, StorageBackend } from '@securestore/backend-api';
import { composeLayers } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { SecureStoreError } from '@securestore/core-format';
import type { Connect } from '../../src/index.ts';

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

  async at(location: string): Promise<StorageBackend> {
    const known = this.places.get(location);
    if (known !== undefined) return known;
    const backend = new MemoryBackend({ clock: this.#now });
    await backend.init({ location: 'memory:', options: {} });
    this.places.set(location, backend);
    return backend;
  }

  get connect(): Connect {
    return {
      nameOf: (location) => location,
      connect: async (location) => {
        if (this.down.has(location)) throw new SecureStoreError('UNAVAILABLE', `${location} can't be reached`);
        const backend = composeLayers(await this.at(location), this.#layers);
        return { backend, location, close: async () => undefined };
      },
    };
  }
}
