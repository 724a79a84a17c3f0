import { type BatchOperation, type StorageBackend, forwardTo } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { FaultyBackend } from './faulty-backend.ts';

async function applyOne(inner: StorageBackend, operation: BatchOperation): ReturnType<StorageBackend['write']> {
  const [written] = (await inner.batch?.([operation])) ?? [];
  return written ?? { etag: '' };
}

function lowerCase(key: string): string {
  return typeof key === 'string' ? key.toLowerCase() : key;
}

/** What breaks clocks, batches, signals, errors and the end. */
export const faultyLifecycles: readonly FaultyBackend[] = [
  {
    name: 'half-a-batch',
    breaks: 'a batch is all or none',
    foundBy: 'batches',
    wrap: (inner) =>
      forwardTo(inner, {
        batch: async (operations) => {
          const results = [];
          for (const [index, operation] of operations.entries()) {
            const written = await applyOne(inner, operation).catch((error: unknown) => {
              if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
              throw new SecureStoreError('CONFLICT', error.message, { index });
            });
            results.push(operation.type === 'write' ? written : undefined);
          }
          return results;
        },
      }),
  },
  {
    name: 'batch-without-index',
    breaks: 'a failed batch says which condition failed',
    foundBy: 'batches',
    wrap: (inner) =>
      forwardTo(inner, {
        batch: async (operations, options) => {
          const results = inner.batch?.(operations, options) ?? Promise.resolve([]);
          return results.catch((error: unknown) => {
            if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
            throw new SecureStoreError('CONFLICT', error.message);
          });
        },
      }),
  },
  {
    name: 'batch-with-wrong-etags',
    breaks: 'a batch gives the etags of what it wrote',
    foundBy: 'batches',
    wrap: (inner) =>
      forwardTo(inner, {
        batch: async (operations, options) => ((await inner.batch?.(operations, options)) ?? []).toReversed(),
      }),
  },
  {
    name: 'delete-many-forgets-one',
    breaks: 'deleteMany deletes all of its keys',
    foundBy: 'batches',
    wrap: (inner) =>
      forwardTo(inner, {
        deleteMany: async (keys, options) => inner.deleteMany?.(keys.slice(1), options),
      }),
  },
  {
    name: 'clock-runs-backwards',
    breaks: 'modified never runs backwards',
    foundBy: 'clock',
    wrap: (inner) => {
      const times = new Map<string, number>();
      let writes = 0;
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const { etag } = await inner.write(key, body, options);
          times.set(key, Number.MAX_SAFE_INTEGER - (writes += 1));
          return { etag };
        },
        read: async (key, options) => {
          const found = await inner.read(key, options);
          const modified = times.get(key);
          return found === undefined || modified === undefined ? found : { ...found, modified, now: modified };
        },
      });
    },
  },
  {
    name: 'modified-on-read',
    breaks: 'reading does not change modified',
    foundBy: 'clock',
    wrap: (inner) => {
      let reads = 0;
      return forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          return found === undefined ? undefined : { ...found, modified: found.modified + (reads += 1) };
        },
      });
    },
  },
  {
    name: 'no-now',
    breaks: 'now is given by every read where it is declared',
    foundBy: 'clock',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => {
          const found = await inner.read(key, options);
          if (found === undefined) return undefined;
          const { body, size, modified, etag } = found;
          return etag === undefined ? { body, size, modified } : { body, size, modified, etag };
        },
      }),
  },
  {
    name: 'signal-ignored',
    breaks: 'an aborted signal stops every call',
    foundBy: 'abort signals',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => inner.write(key, body, { ...options, signal: undefined }),
        list: async (prefix, options) => inner.list(prefix, { ...options, signal: undefined }),
      }),
  },
  {
    name: 'half-written-on-abort',
    breaks: 'an abort leaves no half state',
    foundBy: 'abort signals',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) => {
          const written = await inner.write(key, body, options);
          if (options?.signal === undefined) return written;
          await new Promise((resolve) => setImmediate(resolve));
          if (!options.signal.aborted) return written;
          await inner.write(key, body.subarray(0, 1));
          throw new SecureStoreError('ABORTED', 'aborted', { cause: options.signal.reason });
        },
      }),
  },
  {
    name: 'plain-errors',
    breaks: 'errors are SecureStoreError',
    foundBy: 'conditions',
    wrap: (inner) =>
      forwardTo(inner, {
        write: async (key, body, options) =>
          inner.write(key, body, options).catch((error: unknown) => {
            throw new Error('it failed', { cause: error });
          }),
      }),
  },
  {
    name: 'open-after-close',
    breaks: 'calls after close are UNAVAILABLE',
    foundBy: 'lifecycle',
    wrap: (inner) => forwardTo(inner, { close: async () => undefined }),
  },
  {
    name: 'leaks-a-timer',
    breaks: 'close frees what keeps the process alive',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      const timer = setInterval(() => undefined, 60_000);
      return forwardTo(inner, {
        close: async () => {
          // Late rather than never, so that the run of the suite itself can end.
          setTimeout(() => clearInterval(timer), 5_000).unref();
          return inner.close();
        },
      });
    },
  },
  {
    name: 'close-only-once',
    breaks: 'close is idempotent',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      let closed = false;
      return forwardTo(inner, {
        close: async () => {
          if (closed) throw new SecureStoreError('INTERNAL', 'closed already');
          closed = true;
          return inner.close();
        },
      });
    },
  },
  {
    name: 'unflushed-write',
    breaks: 'a write is durable when it resolves',
    foundBy: 'lifecycle',
    wrap: (inner) => {
      let latest: string | undefined;
      return forwardTo(inner, {
        write: async (key, body, options) => {
          const written = await inner.write(key, body, options);
          latest = key;
          return written;
        },
        close: async () => {
          if (latest !== undefined) await inner.delete(latest).catch(() => undefined);
          return inner.close();
        },
      });
    },
  },
  {
    name: 'repaired-keys',
    breaks: 'what is no key is refused',
    foundBy: 'keys',
    wrap: (inner) =>
      forwardTo(inner, {
        read: async (key, options) => inner.read(lowerCase(key), options),
        write: async (key, body, options) => inner.write(lowerCase(key), body, options),
        delete: async (key, options) => inner.delete(lowerCase(key), options),
      }),
  },
  {
    name: 'not-storable',
    breaks: 'mandatory capabilities are there',
    foundBy: 'lifecycle',
    wrap: (inner) => forwardTo(inner, { declare: (capabilities) => ({ ...capabilities, listAfterWrite: false }) }),
  },
  {
    name: 'batch-undeclared',
    breaks: 'a method is there only with its capability',
    foundBy: 'batches',
    wrap: (inner) =>
      forwardTo(inner, { declare: (capabilities) => ({ ...capabilities, atomicBatch: false, maxBatch: 0 }) }),
  },
];
