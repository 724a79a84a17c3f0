import assert from 'node:assert/strict';
import type { BatchOperation, StorageBackend } from '@securestore/backend-api';
import { etagOf, rejection, scanKeys, textOf, utf8 } from '../support/checks.ts';
import type { Concern } from '../support/types.ts';

type Batch = NonNullable<StorageBackend['batch']>;

function batchOf(backend: StorageBackend): Batch {
  assert.ok(backend.batch !== undefined, 'atomicBatch is declared, but there is no batch method');
  return async (operations) => backend.batch?.(operations) ?? [];
}

function write(key: string): BatchOperation {
  return { type: 'write', key, body: utf8('x') };
}

/** All or none, and a failed condition says which. */
export const batches: Concern = {
  name: 'batches',
  tests: [
    {
      name: 'all operations, and a result for each',
      needs: 'atomicBatch',
      run: async ({ backend }) => {
        const { etag } = await backend.write('old', utf8('old'));
        await backend.write('gone', utf8('gone'));
        const results = await batchOf(backend)([
          { type: 'write', key: 'new', body: utf8('new'), ifAbsent: true },
          { type: 'write', key: 'old', body: utf8('newer'), ifMatch: etag },
          { type: 'delete', key: 'gone' },
          { type: 'delete', key: 'never/there' },
          { type: 'write', key: 'plain', body: utf8('plain') },
        ]);
        assert.equal(results.length, 5);
        assert.deepEqual([results[2], results[3]], [undefined, undefined]);
        for (const [index, key] of [
          [0, 'new'],
          [1, 'old'],
          [4, 'plain'],
        ] as const) {
          assert.equal(results[index]?.etag, await etagOf(backend, key), `the etag of ${key}`);
        }
        assert.equal(await textOf(backend, 'old'), 'newer');
        assert.deepEqual(await scanKeys(backend, ''), ['new', 'old', 'plain']);
      },
    },
    {
      name: 'nothing if any of the conditions fails, and the error has the index of that condition',
      needs: 'atomicBatch',
      run: async ({ backend }) => {
        await backend.write('there', utf8('there'));
        const failing: BatchOperation[] = [
          { type: 'write', key: 'there', body: utf8('x'), ifAbsent: true },
          { type: 'write', key: 'there', body: utf8('x'), ifMatch: 'no-such-etag' },
          { type: 'write', key: 'missing', body: utf8('x'), ifMatch: 'no-such-etag' },
        ];
        const good: BatchOperation[] = [
          { type: 'write', key: 'one', body: utf8('1') },
          { type: 'write', key: 'two', body: utf8('2'), ifAbsent: true },
        ];
        for (const operation of failing) {
          for (const place of [0, 1, 2]) {
            const error = await rejection(batchOf(backend)(good.toSpliced(place, 0, operation)), 'CONFLICT');
            assert.deepEqual([error.index, error.retryable], [place, false]);
            assert.deepEqual(await scanKeys(backend, ''), ['there']);
            assert.equal(await textOf(backend, 'there'), 'there');
          }
        }
      },
    },
    {
      name: 'a conditional deletion in a batch',
      needs: 'atomicBatch',
      skip: ({ capabilities }) => (capabilities.conditionalDelete ? undefined : 'conditionalDelete is absent'),
      run: async ({ backend }) => {
        const { etag } = await backend.write('there', utf8('there'));
        const beside: BatchOperation = { type: 'write', key: 'beside', body: utf8('x') };
        const wrong = batchOf(backend)([beside, { type: 'delete', key: 'there', ifMatch: 'no-such-etag' }]);
        assert.equal((await rejection(wrong, 'CONFLICT')).index, 1);
        assert.deepEqual(await scanKeys(backend, ''), ['there']);
        await batchOf(backend)([beside, { type: 'delete', key: 'there', ifMatch: etag }]);
        assert.deepEqual(await scanKeys(backend, ''), ['beside']);
      },
    },
    {
      name: 'an invalid operation refuses the whole batch',
      needs: 'atomicBatch',
      run: async ({ backend, capabilities }) => {
        await rejection(batchOf(backend)([write('one'), write('../two')]), 'INVALID_KEY');
        await rejection(batchOf(backend)([write('one'), write('two'), write('one')]), 'INVALID_ARGUMENT');
        await rejection(batchOf(backend)([write('one'), { type: 'delete', key: 'one' }]), 'INVALID_ARGUMENT');
        const tooMany = Array.from({ length: capabilities.maxBatch + 1 }, (_, index) => write(`many/${index}`));
        await rejection(batchOf(backend)(tooMany), 'INVALID_ARGUMENT');
        // Callers without types do this.
        const odd = { type: 'append', key: 'two', body: utf8('x') } as unknown as BatchOperation;
        await rejection(batchOf(backend)([write('one'), odd]), 'INVALID_ARGUMENT');
        assert.deepEqual(await scanKeys(backend, ''), []);
      },
    },
    {
      name: 'an empty batch does nothing',
      needs: 'atomicBatch',
      run: async ({ backend }) => {
        assert.deepEqual(await batchOf(backend)([]), []);
      },
    },
    {
      name: 'there is no batch method',
      without: 'atomicBatch',
      run: async ({ backend, capabilities }) => {
        assert.ok(backend.batch === undefined, 'a batch method without the capability');
        assert.equal(capabilities.maxBatch, 0);
      },
    },
    {
      name: 'deleteMany deletes what is there and does not mind what is not',
      needs: 'deleteMany',
      run: async ({ backend }) => {
        assert.ok(backend.deleteMany !== undefined, 'deleteMany is declared, but there is no such method');
        for (const key of ['a', 'a/b', 'b', 'c']) await backend.write(key, utf8(key));
        await backend.deleteMany(['a', 'never/there', 'c']);
        assert.deepEqual(await scanKeys(backend, ''), ['a/b', 'b']);
        await backend.deleteMany([]);
        await rejection(backend.deleteMany(['b', '../b']), 'INVALID_KEY');
        assert.equal(await textOf(backend, 'b'), 'b');
      },
    },
    {
      name: 'there is no deleteMany method',
      without: 'deleteMany',
      run: async ({ backend, capabilities }) => {
        assert.ok(backend.deleteMany === undefined, 'a deleteMany method without the capability');
        assert.equal(capabilities.maxDeleteMany, 0);
      },
    },
  ],
};
