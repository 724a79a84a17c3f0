import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SecureStorage } from '../../src/index.ts';
import { memoryPlace } from '../support/places.ts';
import { failure, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function fill(store: SecureStorage, keys: readonly string[]): Promise<void> {
  const results = await store.storeMany(keys.map((key) => ({ key, data: '' })));
  expect(results.filter(({ ok }) => !ok)).toEqual([]);
}

const long = (letter: string): string => letter.repeat(150);
/** Few different segments, so that folders are shared; some are too long for a token, at several depths. */
const segment = fc.constantFrom(
  'a',
  'ab',
  'b',
  'é',
  '~',
  '_61',
  'zz',
  '\u{1f511}',
  '\uffee',
  long('l'),
  long('m'),
  'x y',
);
const key = fc
  .array(segment, { minLength: 1, maxLength: 6 })
  .map((segments) => segments.join('/'))
  .filter((name) => Buffer.byteLength(name) <= 1024);

/** Listings, in whole and in parts. */
export function describeListing(surface: Surface): void {
  describe.each(['encrypted', 'plain'] as const)('listing with %s names', (names) => {
    it('gives exactly the keys that start with a raw prefix, in UTF-8 byte order', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(key, { maxLength: 30 }),
          fc.array(key, { maxLength: 4 }),
          async (keys, gone) => {
            const place = memoryPlace();
            const store = await surface.createAt(place, { names });
            await fill(store, keys);
            for (const name of gone) await store.delete(name);
            const left = keys.filter((name) => !gone.includes(name));
            const cuts = keys.flatMap((name) => [name.slice(0, name.length / 2), `${name}/`, name.slice(0, -1), name]);
            for (const prefix of new Set(['', 'a', 'a/', 'q', ...gone, ...cuts])) {
              const expected = left.filter((name) => name.startsWith(prefix)).toSorted(byBytes);
              expect(await store.list(prefix)).toEqual(expected);
              const streamed = await Array.fromAsync(store.keys(prefix));
              expect(streamed.toSorted(byBytes)).toEqual(expected);
            }
          },
        ),
        { numRuns: Math.ceil(sized({ short: 2, full: 12, torture: 300 }) * surface.share) },
      );
    });

    it('goes on after any name, also one that has gone meanwhile', async () => {
      const store = await surface.createAt(usePlace(memoryPlace), { names });
      const keys = ['a', 'a/b', `a/${long('l')}`, `${long('m')}/x`, 'ab', 'b', 'x y/z', 'é'];
      await fill(store, keys);
      for (const prefix of ['', 'a', 'a/']) {
        const all = await Array.fromAsync(store.keys(prefix));
        for (const [at, after] of all.entries()) {
          expect(await Array.fromAsync(store.keys(prefix, { after }))).toEqual(all.slice(at + 1));
          const infos = await Array.fromAsync(store.entries(prefix, { after }));
          expect(infos.map((info) => info.key)).toEqual(all.slice(at + 1));
        }
      }
      const [first = '', ...others] = await Array.fromAsync(store.keys());
      await store.delete(first);
      expect(await Array.fromAsync(store.keys('', { after: first }))).toEqual(others);
      await failure(Array.fromAsync(store.keys('', { after: 'a//b' })), 'INVALID_KEY');
      await failure(store.list('', { after: 'a' } as object), 'INVALID_ARGUMENT');
    });

    it('skips what can not match in a store of several pages', async () => {
      const store = await surface.createAt(usePlace(memoryPlace), { names });
      const folders = ['a', 'ab', 'b', `b/${long('x')}`, 'c/d'];
      const keys = folders.flatMap((folder) => Array.from({ length: 700 }, (_, n) => `${folder}/${n}/leaf`));
      await fill(store, keys);
      for (const prefix of ['', 'a/', 'a', 'b/', `b/${long('x')}`, `b/${long('x')}/69`, 'c/d/5', 'c/d/55/leaf', 'zz']) {
        const expected = keys.filter((name) => name.startsWith(prefix)).toSorted(byBytes);
        expect(await store.list(prefix)).toEqual(expected);
      }
    });
  });

  describe.each(surface.places)('listing over %s', (_name, make) => {
    it('tells names and infos, without what was deleted', async () => {
      const store = await surface.createAt(usePlace(make));
      await fill(store, ['db/prod/a', 'db/prod/b', 'db/dev', 'db', 'dbx', long('k').repeat(3)]);
      await store.delete('db/prod/b');
      expect(await store.list()).toEqual(['db', 'db/dev', 'db/prod/a', 'dbx', long('k').repeat(3)]);
      expect(await store.list('db/')).toEqual(['db/dev', 'db/prod/a']);
      expect(await store.list('db/pr')).toEqual(['db/prod/a']);
      const infos = await Array.fromAsync(store.entries('db/'));
      expect(infos.map((info) => info.key).toSorted()).toEqual(['db/dev', 'db/prod/a']);
      for (const info of infos) expect(info).toEqual(await store.info(info.key));
    });
  });

  describe('a prefix', () => {
    it.each([
      ['a slash', '/'],
      ['an empty segment', 'a//'],
      ['a dot segment', 'a/./'],
      ['a lone surrogate', 'a\ud800'],
      ['a lone surrogate in a folder', '\ud800/b'],
      ['a control character', 'a\0'],
      ['decomposed text', 'cafe\u0301'],
      ['longer than a key', 'a/'.repeat(600)],
      ['a megabyte of slashes', 'a/'.repeat(500_000)],
    ])('that no key starts with (%s) gives nothing', async (_what, prefix) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await fill(store, ['a', 'a/b', 'café', '\ufffd/b', 'a/a/a']);
      expect(await store.list(prefix)).toEqual([]);
    });
  });

  describe('an iteration', () => {
    it('that is given up leaves the store usable', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await fill(store, ['a', 'b', 'c']);
      for await (const name of store.keys()) {
        expect(name).toBeTypeOf('string');
        break;
      }
      for await (const info of store.entries()) {
        expect(info.size).toBe(0);
        break;
      }
      expect(await store.list()).toEqual(['a', 'b', 'c']);
    });

    it('fails once the store is closed', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await fill(store, ['a', 'b']);
      const names = store.keys()[Symbol.asyncIterator]();
      await names.next();
      await store.close();
      await failure(names.next(), 'UNAVAILABLE');
    });

    it('leaves out what is deleted while it runs', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const count = 22 + surface.prefetched;
      await fill(
        store,
        Array.from({ length: count }, (_, n) => `k${n}`),
      );
      const seen: string[] = [];
      for await (const info of store.entries()) {
        seen.push(info.key);
        if (seen.length === 1) for (const name of await store.list()) await store.delete(name);
      }
      expect(seen.length).toBeLessThan(count);
    });
  });
}
