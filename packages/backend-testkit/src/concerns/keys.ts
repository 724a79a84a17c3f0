import assert from 'node:assert/strict';
import { isBackendKey } from '@securestore/backend-api';
import { ALPHABET, rejection, scanKeys, textOf, utf8 } from '../support/checks.ts';
import { pick, seededRandom } from '../support/random.ts';
import type { Concern } from '../support/types.ts';

/** 900 bytes: four components of 220, their slashes, and 16 more. */
const LONGEST = [...Array.from({ length: 4 }, (_, index) => String(index).repeat(220)), 'e'.repeat(16)].join('/');

const HOSTILE = [
  '',
  '/',
  '/a',
  'a/',
  'a//b',
  '.',
  '..',
  './a',
  'a/.',
  'a/..',
  'a/../b',
  '../../etc/passwd',
  'A',
  'a b',
  'a\0b',
  'a\n',
  'ü',
  'a%2fb',
  'a\\b',
  'a:b',
  'a*',
  'a?',
  '\u{1f600}',
  'a'.repeat(221),
  `a/${'b'.repeat(221)}`,
  `${LONGEST}x`,
];

/** The alphabet, the limits, and names that begin like others. */
export const keys: Concern = {
  name: 'keys',
  tests: [
    {
      name: 'every character of the alphabet, first and last',
      run: async ({ backend }) => {
        const all = ALPHABET.flatMap((character) => [`${character}k`, `k${character}`, `${character}/k`]);
        const valid = [...new Set(all.filter((key) => !key.startsWith('./')))];
        for (const key of valid) await backend.write(key, utf8(key));
        for (const key of valid) assert.equal(await textOf(backend, key), key);
        assert.deepEqual((await scanKeys(backend, '')).toSorted(), valid.toSorted());
      },
    },
    {
      name: 'random keys that share their beginnings',
      run: async ({ backend, seed }) => {
        const below = seededRandom(seed);
        const random = new Set<string>();
        while (random.size < 60) {
          const key = Array.from({ length: 1 + below(12) }, () => pick(below, [...ALPHABET.slice(-15), '/'])).join('');
          if (isBackendKey(key)) random.add(key);
        }
        for (const key of random) await backend.write(key, utf8(key));
        for (const key of random) assert.equal(await textOf(backend, key), key, `seed ${seed}`);
        assert.deepEqual((await scanKeys(backend, '')).toSorted(), [...random].toSorted(), `seed ${seed}`);
        for (const key of random) await backend.delete(key);
        assert.deepEqual(await scanKeys(backend, ''), [], `seed ${seed}`);
      },
    },
    {
      name: '900 bytes in components of 220',
      run: async ({ backend }) => {
        assert.equal(LONGEST.length, 900);
        await backend.write(LONGEST, utf8('long'));
        assert.equal(await textOf(backend, LONGEST), 'long');
        assert.deepEqual(await scanKeys(backend, LONGEST.slice(0, 300)), [LONGEST]);
        await backend.delete(LONGEST);
        assert.equal(await backend.read(LONGEST), undefined);
      },
    },
    {
      name: 'names that look like files of an operating system',
      run: async ({ backend }) => {
        const names = [
          'con',
          'nul',
          'aux.txt',
          '...',
          '..a',
          'a..',
          'a.',
          '-rf',
          '~',
          '.git',
          'lost-found',
          'x.tmp',
          'x~',
        ];
        for (const name of names) await backend.write(`odd/${name}`, utf8(name));
        for (const name of names) assert.equal(await textOf(backend, `odd/${name}`), name);
        assert.equal((await scanKeys(backend, 'odd/')).length, names.length);
      },
    },
    {
      name: 'a key and keys below it live and die apart',
      run: async ({ backend }) => {
        const family = ['foo', 'foo.', 'foo/bar', 'foo/bar/baz', 'foo0'];
        for (const key of family) await backend.write(key, utf8(key));
        for (const key of family) assert.equal(await textOf(backend, key), key);
        await backend.delete('foo/bar');
        assert.equal(await textOf(backend, 'foo/bar/baz'), 'foo/bar/baz');
        await backend.delete('foo');
        assert.deepEqual(await scanKeys(backend, ''), ['foo.', 'foo/bar/baz', 'foo0']);
        await backend.write('foo', utf8('again'));
        await backend.delete('foo/bar/baz');
        assert.deepEqual(await scanKeys(backend, 'foo'), ['foo', 'foo.', 'foo0']);
      },
    },
    {
      name: 'a deletion leaves no ghost of what was above it',
      run: async ({ backend }) => {
        await backend.write('deep/er/est/key', utf8('x'));
        await backend.delete('deep/er/est/key');
        for (const prefix of ['', 'deep', 'deep/', 'deep/er/'])
          assert.deepEqual(await backend.list(prefix), { entries: [], more: false });
        for (const key of ['deep', 'deep/er', 'deep/er/est']) assert.equal(await backend.read(key), undefined);
        await backend.write('deep', utf8('now a key'));
        assert.deepEqual(await scanKeys(backend, ''), ['deep']);
      },
    },
    {
      name: 'an invalid key is INVALID_KEY in every call, and changes nothing',
      run: async ({ backend }) => {
        for (const key of HOSTILE) {
          await rejection(backend.read(key), 'INVALID_KEY');
          await rejection(backend.write(key, utf8('x')), 'INVALID_KEY');
          await rejection(backend.delete(key), 'INVALID_KEY');
        }
        // Callers without types do this.
        for (const key of [undefined, null, 1, {}, ['a']] as unknown as string[]) {
          await rejection(backend.read(key), 'INVALID_KEY');
          await rejection(backend.write(key, utf8('x')), 'INVALID_KEY');
          await rejection(backend.delete(key), 'INVALID_KEY');
        }
        assert.deepEqual(await scanKeys(backend, ''), []);
      },
    },
    {
      name: 'a prefix or mark that no key can start with is INVALID_KEY',
      run: async ({ backend }) => {
        for (const prefix of ['/', 'a//', '../', 'a/../b', './', 'A', 'a b', 'a\0', 'a*', 'a'.repeat(221)]) {
          await rejection(backend.list(prefix), 'INVALID_KEY');
        }
      },
    },
  ],
};
