import assert from 'node:assert/strict';
import { type StorageBackend, isBackendKey } from '@securestore/backend-api';
import { ALPHABET, bytes, pages, rejection, scanKeys, utf8 } from '../support/checks.ts';
import type { Concern } from '../support/types.ts';

/** Keys that sort differently by path, by locale and by byte. */
const TRICKY = [
  'a',
  'a-',
  'a.',
  'a./b',
  'a/',
  'a/.b',
  'a/b',
  'a/b/c',
  'a/b0',
  'a0',
  'a@',
  'a_',
  'aa',
  'a~',
  'b',
  '-',
  '.a',
  '0',
  '@x',
  '_',
  '~',
  'z/9',
  'z/10',
  'z/1',
].filter((key) => !key.endsWith('/'));

async function fill(backend: StorageBackend, keys: readonly string[]): Promise<void> {
  const width = 16;
  for (let from = 0; from < keys.length; from += width) {
    await Promise.all(keys.slice(from, from + width).map(async (key) => backend.write(key, utf8(key))));
  }
}

function inByteOrder(keys: readonly string[]): string[] {
  return keys.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
}

/** Byte order, pages, prefixes as plain strings, and nothing skipped or repeated. */
export const listing: Concern = {
  name: 'listing',
  tests: [
    {
      name: 'byte order, in pages of every small size',
      needs: 'orderedList',
      run: async ({ backend }) => {
        await fill(backend, TRICKY);
        const expected = inByteOrder(TRICKY);
        for (const limit of [1, 2, 3, 7, TRICKY.length - 1, TRICKY.length, TRICKY.length + 1, undefined]) {
          assert.deepEqual(await scanKeys(backend, '', limit), expected, `in pages of ${limit ?? 'any size'}`);
        }
      },
    },
    {
      name: 'byte order over the whole alphabet, also after everything was closed',
      needs: 'orderedList',
      run: async ({ backend, open }) => {
        const all = ALPHABET.flatMap((one) => [`${one}k`, `k${one}`, `k${one}k`, `k/${one}k`, `${one}/k`]);
        const keys = [...new Set(all)].filter(isBackendKey);
        await fill(backend, keys);
        const expected = inByteOrder(keys);
        assert.deepEqual(await scanKeys(backend, ''), expected);
        await backend.close();
        const again = await open();
        for (const limit of [undefined, 7]) {
          assert.deepEqual(
            await scanKeys(again, '', limit),
            expected,
            `opened again, in pages of ${limit ?? 'any size'}`,
          );
        }
      },
    },
    {
      name: 'a prefix is the start of a string, not a folder',
      run: async ({ backend }) => {
        await fill(backend, TRICKY);
        for (const prefix of [
          'a',
          'a.',
          'a/',
          'a/b',
          'a/b/',
          'a0',
          'a~',
          'a./',
          'z/1',
          'nothing',
          'b/',
          '.',
          'z/1/..',
        ]) {
          const expected = inByteOrder(TRICKY.filter((key) => key.startsWith(prefix)));
          const found = await scanKeys(backend, prefix);
          assert.deepEqual(inByteOrder(found), expected, `under ${prefix}`);
        }
      },
    },
    {
      name: 'a page starts strictly after any key, there or not, inside the prefix or not',
      needs: 'orderedList',
      run: async ({ backend }) => {
        await fill(backend, TRICKY);
        const marks = [...TRICKY, 'a/a', 'a/b/', 'a/b/d', 'a1', 'az', '~~', '-0', 'a/z/z', 'm', 'a/'];
        for (const prefix of ['', 'a', 'a/']) {
          for (const after of marks) {
            const expected = inByteOrder(TRICKY.filter((key) => key.startsWith(prefix) && key > after));
            const { entries, more } = await backend.list(prefix, { after, limit: 3 });
            const found = entries.map((entry) => entry.key);
            assert.deepEqual(found, expected.slice(0, found.length), `under ${prefix} after ${after}`);
            assert.ok(
              found.length === expected.length || (more && found.length > 0),
              `${prefix} after ${after}: too few`,
            );
          }
        }
      },
    },
    {
      name: 'more than a thousand keys, in pages of the size that the backend chooses',
      needs: 'orderedList',
      run: async ({ backend }) => {
        const keys = Array.from({ length: 1_030 }, (_, index) => `many/${(index * 7919) % 1_030}.`);
        await fill(backend, keys);
        assert.deepEqual(await scanKeys(backend, 'many/'), inByteOrder(keys));
      },
    },
    {
      name: 'a scan beside writers gives each key that was there throughout once',
      needs: 'orderedList',
      run: async ({ backend, open }) => {
        const other = await open();
        const steady = Array.from({ length: 30 }, (_, index) => `scan/${String(index * 3).padStart(3, '0')}`);
        const brief = Array.from({ length: 30 }, (_, index) => `scan/${String(index * 3 + 1).padStart(3, '0')}`);
        await fill(backend, [...steady, ...brief]);
        const found: string[] = [];
        let turn = 0;
        for await (const page of pages(backend, 'scan/', 4)) {
          found.push(...page.map((entry) => entry.key));
          // Behind the scan, before it, and the very key it stopped at.
          await other.delete(brief[turn] ?? 'scan/none');
          await other.delete(brief[brief.length - 1 - turn] ?? 'scan/none');
          await other.write(`scan/${String(turn * 3 + 2).padStart(3, '0')}`, utf8('new'));
          await other.write(steady[turn] ?? 'scan/000', utf8('rewritten'));
          const last = found.at(-1);
          if (last !== undefined && brief.includes(last)) await other.delete(last);
          turn += 1;
        }
        assert.deepEqual(
          found.filter((key) => steady.includes(key)),
          steady,
        );
        assert.equal(new Set(found).size, found.length, 'a key came twice');
      },
    },
    {
      name: 'a write, an overwrite and a deletion show at once, through either handle',
      needs: 'listAfterWrite',
      run: async ({ backend, open }) => {
        const other = await open();
        for (let turn = 0; turn < 10; turn += 1) {
          const key = `seen/${turn}`;
          await backend.write(key, bytes(turn));
          for (const handle of [other, backend]) {
            const { entries } = await handle.list('seen/', { after: `seen/${turn - 1}`, limit: 1 });
            assert.deepEqual(
              entries.map((entry) => [entry.key, entry.size]),
              [[key, turn]],
            );
          }
          await other.write(key, bytes(turn + 1));
          assert.equal((await backend.list(key)).entries[0]?.size, turn + 1);
        }
        await backend.delete('seen/3');
        assert.ok(!(await scanKeys(other, 'seen/')).includes('seen/3'), 'a deleted key is still listed');
        await backend.write('seen/3', bytes(3));
        assert.ok((await scanKeys(other, 'seen/')).includes('seen/3'), 'a key that came back is not listed');
      },
    },
    {
      name: 'a limit that is no whole number from 1 is INVALID_ARGUMENT',
      run: async ({ backend }) => {
        for (const limit of [0, -1, 1.5, Number.NaN]) await rejection(backend.list('', { limit }), 'INVALID_ARGUMENT');
      },
    },
    {
      name: 'after is UNSUPPORTED, not ignored',
      without: 'orderedList',
      run: async ({ backend }) => {
        await rejection(backend.list('', { after: 'a' }), 'UNSUPPORTED');
      },
    },
  ],
};
