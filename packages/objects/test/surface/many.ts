import { describe, expect, it } from 'vitest';
import { memoryPlace } from '../support/places.ts';
import { failure, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';

function* failingItems(): Generator<{ key: string; data: string }> {
  yield { key: 'first', data: 'x' };
  throw new Error('no more');
}

/** Calls about many objects. */
export function describeMany(surface: Surface): void {
  describe.each(surface.places)('storeMany and retrieveMany over %s', (_name, make) => {
    it('give one result for each item, in their order, with failures in place', async () => {
      const store = await surface.createAt(usePlace(make));
      await store.store('taken', 'old');
      const stored = await store.storeMany(
        [
          { key: 'a', data: 'A', metadata: { n: 1 } },
          { key: 'taken', data: 'new', ifAbsent: true },
          { key: 'b', data: new Blob(['B']) },
          { key: 'c', data: 'C', ifVersion: '00000000000-00000000' },
        ],
        { concurrency: 2 },
      );
      expect(stored).toMatchObject([
        { key: 'a', ok: true, value: { metadata: { n: 1 } } },
        { key: 'taken', ok: false, error: { code: 'CONFLICT', operation: 'store', key: 'taken' } },
        { key: 'b', ok: true },
        { key: 'c', ok: false, error: { code: 'CONFLICT' } },
      ]);
      const retrieved = await store.retrieveMany(['c', 'b', 'taken', 'b', 'a']);
      expect(retrieved.map((result) => (result.ok ? result.value.text() : result.error))).toMatchObject([
        { code: 'NOT_FOUND', key: 'c' },
        'B',
        'old',
        'B',
        'A',
      ]);
    });

    it('take async iterables and more items than run at once', async () => {
      const store = await surface.createAt(usePlace(make));
      const items = ReadableStream.from(Array.from({ length: 50 }, (_, n) => ({ key: `k/${n}`, data: `${n}` })));
      const stored = await store.storeMany(items, { concurrency: 7 });
      expect(stored.map(({ key, ok }) => [key, ok])).toEqual(Array.from({ length: 50 }, (_, n) => [`k/${n}`, true]));
      const retrieved = await store.retrieveMany(store.keys('k/'));
      expect(retrieved).toHaveLength(50);
      for (const result of retrieved) expect(result.ok && `k/${result.value.text()}`).toBe(result.key);
    });
  });

  describe('many', () => {
    it('of nothing give nothing', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      expect(await store.storeMany([])).toEqual([]);
      expect(await store.retrieveMany([])).toEqual([]);
    });

    it.each([undefined, null, 7, 'key', {}])('refuse %o in place of a list', async (items) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await failure(store.storeMany(items as never), 'INVALID_ARGUMENT');
      await failure(store.retrieveMany(items as never), 'INVALID_ARGUMENT');
    });

    it.each([undefined, null, 7, 'key'])('report %o as an item', async (item) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const results = await store.storeMany([item as never, { key: 'good', data: 'x' }]);
      expect(results).toMatchObject([{ ok: false, error: { code: 'INVALID_ARGUMENT' } }, { ok: true }]);
    });

    it('report an unknown option of an item', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const [result] = await store.storeMany([{ key: 'k', data: 'x', ifabsent: true } as never]);
      expect(result).toMatchObject({ ok: false, error: { code: 'INVALID_ARGUMENT', key: 'k' } });
    });

    it('never run more at once than asked for', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      let running = 0;
      let most = 0;
      async function* source(): AsyncGenerator<Uint8Array> {
        most = Math.max(most, ++running);
        await new Promise((done) => setImmediate(done));
        running -= 1;
        yield Buffer.from('x');
      }
      const items = Array.from({ length: 40 }, (_, n) => ({ key: `k${n}`, data: source() }));
      const results = await store.storeMany(items, { concurrency: 3 });
      expect(results.every(({ ok }) => ok)).toBe(true);
      expect(most).toBe(3);
    });

    it('end with the error of their source, having finished what was under way', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await failure(store.storeMany(failingItems()), 'INVALID_ARGUMENT');
      expect(await store.list()).toEqual(['first']);
    });
  });
}
