import { type BatchOperation, type StorageBackend, forwardTo } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { FaultyBackend } from './faulty-backend.ts';

async function applyOne(inner: StorageBackend, operation: BatchOperation): ReturnType<StorageBackend['write']> {
  const [written] = (await inner.batch?.([operation])) ?? [];
  return written ?? { etag: '' };
}

/** What breaks several operations at once. */
export const faultyBatches: readonly FaultyBackend[] = [
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
    name: 'half-a-batch-on-abort',
    breaks: 'an aborted batch is all or none',
    foundBy: 'abort signals',
    wrap: (inner) =>
      forwardTo(inner, {
        batch: async (operations, options) => {
          if (options?.signal === undefined) return inner.batch?.(operations) ?? [];
          const results = (await inner.batch?.(operations.slice(0, 1), options)) ?? [];
          await new Promise((resolve) => setImmediate(resolve));
          if (options.signal.aborted)
            throw new SecureStoreError('ABORTED', 'aborted', { cause: options.signal.reason });
          return [...results, ...((await inner.batch?.(operations.slice(1))) ?? [])];
        },
      }),
  },
  {
    name: 'retained-batch',
    breaks: 'the backend keeps no reference to what it was given in a batch',
    foundBy: 'bodies',
    wrap: (inner) => {
      const given = new Map<string, Uint8Array>();
      return forwardTo(inner, {
        batch: async (operations, options) => {
          const results = (await inner.batch?.(operations, options)) ?? [];
          for (const [index, operation] of operations.entries()) {
            const etag = results[index]?.etag;
            if (operation.type === 'write' && etag !== undefined) given.set(`${operation.key} ${etag}`, operation.body);
          }
          return results;
        },
        read: async (key, options) => {
          const found = await inner.read(key, options);
          const kept = given.get(`${key} ${found?.etag ?? ''}`);
          return found === undefined || kept === undefined ? found : { ...found, body: kept.slice() };
        },
      });
    },
  },
  {
    name: 'empty-batch-refused',
    breaks: 'an empty batch does nothing',
    foundBy: 'batches',
    wrap: (inner) =>
      forwardTo(inner, {
        batch: async (operations, options) => {
          if (operations.length === 0) throw new SecureStoreError('INVALID_ARGUMENT', 'an empty batch');
          return inner.batch?.(operations, options) ?? [];
        },
      }),
  },
  {
    name: 'batch-undeclared',
    breaks: 'a method is there only with its capability',
    foundBy: 'batches',
    wrap: (inner) =>
      forwardTo(inner, { declare: (capabilities) => ({ ...capabilities, atomicBatch: false, maxBatch: 0 }) }),
  },
  {
    name: 'delete-many-undeclared',
    breaks: 'a method is there only with its capability',
    foundBy: 'batches',
    wrap: (inner) =>
      forwardTo(inner, { declare: (capabilities) => ({ ...capabilities, deleteMany: false, maxDeleteMany: 0 }) }),
  },
];
