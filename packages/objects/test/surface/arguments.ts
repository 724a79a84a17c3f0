import { describe, expect, it } from 'vitest';
import type { SecureStorage } from '../../src/index.ts';
import { memoryPlace } from '../support/places.ts';
import { failure, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';

/** Every call about one object, given whatever a test wants to pass for a key and options. */
const CALLS: readonly (readonly [string, (store: SecureStorage, key: never, options?: never) => Promise<unknown>])[] = [
  ['store', (store, key, options) => store.store(key, 'x', options)],
  ['retrieve', (store, key, options) => store.retrieve(key, options)],
  ['retrieveStream', (store, key, options) => store.retrieveStream(key, options)],
  ['info', (store, key, options) => store.info(key, options)],
  ['has', (store, key, options) => store.has(key, options)],
  ['matches', (store, key, options) => store.matches(key, 'x', options)],
  ['setMetadata', (store, key, options) => store.setMetadata(key, {}, options)],
  ['delete', (store, key, options) => store.delete(key, options)],
  ['purge', (store, key, options) => store.purge(key, options)],
  ['undelete', (store, key, options) => store.undelete(key, options)],
  ['restoreVersion', (store, key, options) => store.restoreVersion(key, '00000000000-00000000', options)],
  ['history', (store, key, options) => store.history(key, options)],
];

const INVALID_KEYS: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 7],
  ['an object with toString', { toString: () => 'key' }],
  ['a String object', Object('key')],
  ['bytes', new Uint8Array(3)],
  ['empty', ''],
  ['a leading slash', '/a'],
  ['a trailing slash', 'a/'],
  ['an empty segment', 'a//b'],
  ['a dot', '.'],
  ['a dot segment', 'a/./b'],
  ['two dots', '..'],
  ['a dot-dot segment', '../etc/passwd'],
  ['NUL', 'a\0b'],
  ['a newline', 'a\nb'],
  ['DEL', 'a\u007f'],
  ['a C1 control', 'a\u0085'],
  ['decomposed text', 'cafe\u0301'],
  ['a compatibility singleton', '\u212b'],
  ['a lone high surrogate', 'a\ud800'],
  ['a lone low surrogate', '\udc00a'],
  ['1025 bytes of ASCII', 'k'.repeat(1025)],
  ['1025 bytes of UTF-8', `${'é'.repeat(512)}k`],
  ['a megabyte', 'k'.repeat(1024 * 1024)],
];

const VALID_KEYS = [
  ['one character', 'k'],
  ['1024 bytes of ASCII', 'k'.repeat(1024)],
  ['1024 bytes of UTF-8', 'é'.repeat(512)],
  ['512 segments', Array.from({ length: 512 }, () => 'a').join('/')],
  ['dots that are no dot segment', '.../..a/a..'],
  ['spaces, quotes and backslashes', ' a "b"\\c\' '],
  ['what looks like a backend name', 'o/../h'.replace('..', '~@')],
  ['an emoji', '🔑/ключ/鍵'],
  ['a prototype name', '__proto__/constructor'],
] as const;

/** What every call refuses, with the right code, and what it takes. */
export function describeArguments(surface: Surface): void {
  describe('keys', () => {
    it.each(INVALID_KEYS)('%s is INVALID_KEY for every call', async (_what, key) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      for (const [name, call] of CALLS) {
        const error = await failure(call(store, key as never), 'INVALID_KEY');
        expect(error).toMatchObject({ operation: name, retryable: false });
        expect(error.message.length).toBeLessThan(3000);
      }
    });

    it.each(INVALID_KEYS)('%s is INVALID_KEY for that item alone of storeMany and retrieveMany', async (_what, key) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const stored = await store.storeMany([
        { key: key as string, data: 'bad' },
        { key: 'good', data: 'good' },
      ]);
      expect(stored).toMatchObject([{ ok: false, error: { code: 'INVALID_KEY' } }, { ok: true }]);
      const retrieved = await store.retrieveMany([key as string, 'good']);
      expect(retrieved).toMatchObject([{ ok: false, error: { code: 'INVALID_KEY' } }, { ok: true }]);
      expect(await store.list()).toEqual(['good']);
    });

    it.each(VALID_KEYS)('takes %s', async (_what, key) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const info = await store.store(key, 'value');
      expect(info.key).toBe(key);
      expect((await store.retrieve(key)).text()).toBe('value');
      expect(await store.list()).toEqual([key]);
      expect(await store.delete(key)).toBe(true);
    });

    it('keeps control characters of a refused key out of the message', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const error = await failure(store.retrieve('a\n2026 forged log line'), 'INVALID_KEY');
      expect(error.message).not.toContain('\n');
    });
  });

  describe('options', () => {
    const WRONG: readonly (readonly [string, unknown])[] = [
      ['unknown', { ifAbsentt: true }],
      ['null', null],
      ['an array', []],
      ['a string', 'ifAbsent'],
      ['a function', () => undefined],
      ['a signal that is none', { signal: {} }],
      ['an AbortController', { signal: new AbortController() }],
      ['a timeout of 0', { timeout: 0 }],
      ['a negative timeout', { timeout: -1 }],
      ['a timeout that is no number', { timeout: '100' }],
      ['NaN for a timeout', { timeout: Number.NaN }],
      ['a timeout past what timers hold', { timeout: 2 ** 31 }],
    ];

    describe.each(WRONG)('%s', (_what, options) => {
      it('is INVALID_ARGUMENT for every call about an object', async () => {
        const store = await surface.createAt(usePlace(memoryPlace));
        await store.store('key', 'before');
        for (const [name, call] of CALLS) {
          const error = await failure(call(store, 'key' as never, options as never), 'INVALID_ARGUMENT');
          expect(error).toMatchObject({ operation: name, key: 'key' });
        }
        expect((await store.retrieve('key')).text()).toBe('before');
      });

      it('is INVALID_ARGUMENT for listings and for many', async () => {
        const store = await surface.createAt(usePlace(memoryPlace));
        const wrong = options as never;
        await failure(store.list('', wrong), 'INVALID_ARGUMENT');
        await failure(Array.fromAsync(store.keys('', wrong)), 'INVALID_ARGUMENT');
        await failure(Array.fromAsync(store.entries('', wrong)), 'INVALID_ARGUMENT');
        await failure(store.storeMany([], wrong), 'INVALID_ARGUMENT');
        await failure(store.retrieveMany([], wrong), 'INVALID_ARGUMENT');
      });
    });

    it.each([
      ['ifAbsent of another type', { ifAbsent: 'yes' }],
      ['ifAbsent with ifVersion', { ifAbsent: true, ifVersion: '00000000000-00000000' }],
      ['a version that is none', { ifVersion: 'v1' }],
      ['a version with a wrong digit', { ifVersion: '0000000000z-00000000' }],
      ['a version that is no string', { ifVersion: 1 }],
      ['null for a version', { ifVersion: null }],
      ['a number for expires', { expires: Date.now() }],
      ['an invalid date', { expires: new Date(Number.NaN) }],
      ['a date before 1970', { expires: new Date(-1) }],
      ['metadata that is an array', { metadata: [] }],
      ['metadata that is null', { metadata: null }],
      ['metadata that is a string', { metadata: 'owner=ops' }],
      ['metadata with a BigInt', { metadata: { n: 1n } }],
      ['metadata with a function', { metadata: { deep: [{ f: () => 1 }] } }],
      ['metadata with NaN', { metadata: { n: Number.NaN } }],
      ['metadata with a Map', { metadata: { m: new Map([['a', 1]]) } }],
      ['metadata that becomes a string', { metadata: { toJSON: () => 'text' } }],
      ['metadata that becomes nothing', { metadata: { toJSON: () => undefined } }],
      ['an option of another call', { start: 0 }],
    ])('store refuses %s and changes nothing', async (_what, options) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const before = await store.store('key', 'before');
      await failure(store.store('key', 'after', options as never), 'INVALID_ARGUMENT');
      expect(await store.info('key')).toEqual(before);
    });

    it('a condition that is undefined is refused by every call that takes it, and nothing is changed', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const before = await store.store('key', 'before');
      const given = { ifAbsent: undefined, ifVersion: undefined, ifDamaged: undefined };
      const refused = async (
        names: readonly (keyof typeof given)[],
        call: (condition: never) => PromiseLike<unknown>,
      ): Promise<void> => {
        for (const name of names) {
          const { message } = await failure(call({ [name]: undefined } as never), 'INVALID_ARGUMENT');
          expect(message).toContain(`"${name}"`);
        }
      };
      await refused(['ifAbsent', 'ifVersion', 'ifDamaged'], (one) => store.store('key', 'after', one));
      await refused(['ifVersion'], (one) => store.setMetadata('key', { a: 1 }, one));
      await refused(['ifVersion'], (one) => store.delete('key', one));
      await refused(['ifVersion', 'ifDamaged'], (one) => store.purge('key', one));
      await refused(['ifVersion', 'ifAbsent'], (one) => store.restoreVersion('key', before.version, one));
      const item = { key: 'key', data: 'after', ...({ ifVersion: undefined } as object) };
      expect(await store.storeMany([item])).toMatchObject([{ ok: false, error: { code: 'INVALID_ARGUMENT' } }]);
      expect(await store.info('key')).toEqual(before);
      // What is no condition may be undefined.
      await store.store('key', 'after', { metadata: undefined, expires: undefined, signal: undefined });
    });

    it('types refuse conditions that are undefined, or exclude each other', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const { version } = await store.store('key', 'before');
      // @ts-expect-error: a condition is left out, and not undefined
      await failure(store.store('key', 'x', { ifVersion: undefined }), 'INVALID_ARGUMENT');
      // @ts-expect-error: one of both
      await failure(store.store('key', 'x', { ifAbsent: true, ifVersion: version }), 'INVALID_ARGUMENT');
      // @ts-expect-error: one of both
      await failure(store.store('key', 'x', { ifAbsent: true, ifDamaged: true }), 'INVALID_ARGUMENT');
      // @ts-expect-error: a condition is left out, and not undefined
      await failure(store.delete('key', { ifVersion: undefined }), 'INVALID_ARGUMENT');
      // @ts-expect-error: one of both
      await failure(store.purge('key', { ifVersion: version, ifDamaged: true }), 'INVALID_ARGUMENT');
      // @ts-expect-error: one of both
      await failure(store.restoreVersion('key', version, { ifVersion: version, ifAbsent: true }), 'INVALID_ARGUMENT');
      // @ts-expect-error: one of both
      const [item] = await store.storeMany([{ key: 'key', data: 'x', ifAbsent: true, ifVersion: version }]);
      expect(item?.ok).toBe(false);
    });

    it('metadata that throws or is cyclic is refused without quoting it', async () => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const cyclic: Record<string, unknown> = { secretName: 1 };
      cyclic['secretName'] = cyclic;
      const throwing = {
        toJSON: () => {
          throw new Error('secretName');
        },
      };
      for (const metadata of [cyclic, throwing]) {
        const error = await failure(store.store('key', 'x', { metadata }), 'INVALID_ARGUMENT');
        expect(`${error.stack} ${String(error.cause)}`).not.toContain('secretName');
      }
    });

    it.each([
      ['version with at', { version: '00000000000-00000000', at: new Date() }],
      ['a malformed version', { version: 'latest' }],
      ['at that is no Date', { at: '2026-01-01' }],
      ['an invalid at', { at: new Date(Number.NaN) }],
    ])('reads refuse %s', async (_what, options) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await store.store('key', 'x');
      const wrong = options as never;
      await failure(store.retrieve('key', wrong), 'INVALID_ARGUMENT');
      await failure(store.retrieveStream('key', wrong), 'INVALID_ARGUMENT');
      await failure(store.info('key', wrong), 'INVALID_ARGUMENT');
    });

    it.each([0, -1, 1.5, 1025, '4', null])('concurrency %s is refused', async (concurrency) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const options = { concurrency } as never;
      await failure(store.storeMany([{ key: 'k', data: 'x' }], options), 'INVALID_ARGUMENT');
      await failure(store.retrieveMany(['k'], options), 'INVALID_ARGUMENT');
      expect(await store.list()).toEqual([]);
    });

    it.each([null, 7, {}, Symbol('s')])('a prefix %o is refused', async (prefix) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await failure(store.list(prefix as never), 'INVALID_ARGUMENT');
      await failure(Array.fromAsync(store.keys(prefix as never)), 'INVALID_ARGUMENT');
      await failure(Array.fromAsync(store.entries(prefix as never)), 'INVALID_ARGUMENT');
    });

    it.each([
      undefined,
      null,
      7,
      true,
      ['x'],
      { 0: 1 },
      new ArrayBuffer(4),
      new DataView(new ArrayBuffer(4)),
      new Uint16Array(2),
    ])('data %o is refused', async (data) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      await failure(store.store('key', data as never), 'INVALID_ARGUMENT');
      expect(await store.has('key')).toBe(false);
      await store.store('key', 'x');
      await failure(store.matches('key', data as never), 'INVALID_ARGUMENT');
    });

    it.each([undefined, null, 'text', 7, []])('setMetadata refuses %o', async (metadata) => {
      const store = await surface.createAt(usePlace(memoryPlace));
      const before = await store.store('key', 'x', { metadata: { a: 1 } });
      await failure(store.setMetadata('key', metadata as never), 'INVALID_ARGUMENT');
      expect(await store.info('key')).toEqual(before);
    });
  });
}
