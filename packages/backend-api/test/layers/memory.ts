import { MemoryBackend } from '@securestore/backend-memory';
import { type Layer, type StorageBackend, composeLayers } from '../../src/index.ts';

/** A fresh memory backend, open, inside layers. */
export async function layeredMemory(...layers: Layer[]): Promise<StorageBackend> {
  const backend = composeLayers(new MemoryBackend(), layers);
  await backend.init({ url: 'memory:', options: {} });
  return backend;
}

export const BODY: Uint8Array = new TextEncoder().encode('body');
