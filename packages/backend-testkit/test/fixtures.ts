import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StorageBackend, checkDelete, createFaultInjector, forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import type { BackendFixture } from '../src/index.ts';

/** A memory store URL that can be broken, with every handle wrapped. */
export function memoryFixture(wrap: (inner: StorageBackend) => StorageBackend): BackendFixture {
  const url = `memory:${randomUUID()}`;
  const faults = createFaultInjector();
  return {
    open: async () => {
      const backend = wrap(faults.layer(new MemoryBackend()));
      await backend.init({ url, options: {} });
      return backend;
    },
    breakStorage: async () => faults.plan(() => ({ type: 'fail' })),
  };
}

/** A sound backend that has all that there is to test. */
export function withEverything(inner: StorageBackend): StorageBackend {
  const path = join(tmpdir(), `securestore-none-${randomUUID()}`);
  const outer = forwardTo(inner, {});
  const init = outer.init.bind(outer);
  outer.init = async (config) => {
    await init(config);
    outer.localPath = () => path;
  };
  return outer;
}

/** A sound backend that has no optional capability, and says so. */
export function withoutOptional(inner: StorageBackend): StorageBackend {
  const absent = { atomicBatch: false, maxBatch: 0, conditionalDelete: false, deleteMany: false, maxDeleteMany: 0 };
  const capabilities = { ...inner.capabilities, ...absent, now: false };
  return {
    name: inner.name,
    capabilities,
    init: async (config) => inner.init(config),
    read: async (key, options) => {
      const found = await inner.read(key, options);
      if (found === undefined) return undefined;
      const { body, size, modified, etag } = found;
      return etag === undefined ? { body, size, modified } : { body, size, modified, etag };
    },
    write: async (key, body, options) => inner.write(key, body, options),
    delete: async (key, options) => {
      checkDelete({ name: inner.name, capabilities }, key, options);
      return inner.delete(key, options);
    },
    list: async (prefix, options) => inner.list(prefix, options),
    close: async () => inner.close(),
  };
}
