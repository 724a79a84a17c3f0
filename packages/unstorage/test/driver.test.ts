import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { openStore, rawKey } from 'securestore';
import type { Storage } from 'unstorage';
import { createStorage, prefixStorage } from 'unstorage';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  clockFromNow,
  expectCode,
  filesOf,
  STORE_URLS,
  storeUrlOf,
  openedAt,
  OPENING,
} from '../../adapter-kit/test/support/stores.ts';
import { hurriedClock } from '../../objects/test/support/hurried-clock.ts';
import { secureStoreDriver } from '../src/index.ts';
import { ANY_CHARACTER } from '../../../tools/campaigns/src/any-character.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

function storageAt(url: string): Storage {
  const storage = createStorage({ driver: secureStoreDriver({ url, ...OPENING }) });
  onTestFinished(() => storage.dispose());
  return storage;
}

describe.each(STORE_URLS)('a storage at %s:', (_kind, locate) => {
  it('begins empty, and gives null for what is not there', async () => {
    const storage = storageAt(locate());
    expect(await storage.getKeys()).toEqual([]);
    expect(await storage.hasItem('a:b')).toBe(false);
    expect(await storage.getItem('a:b')).toBeNull();
    expect(await storage.getItemRaw('a:b')).toBeNull();
    expect(await storage.getMeta('a:b')).toEqual({});
    await storage.removeItem('a:b');
    await storage.clear();
  });

  it('keeps every kind of value', async () => {
    const storage = storageAt(locate());
    const values = ['text', '', 0, -1.5, true, false, { deep: { list: [1, null] } }, [], 'größe \u{1f600}'];
    for (const [at, value] of values.entries()) await storage.setItem(`v:${at}`, value);
    const got = await Promise.all(values.map((_, at) => storage.getItem(`v:${at}`)));
    expect(got).toEqual(values);
    const serialised = { toJSON: () => ({ as: 'this' }) };
    await storage.setItem('v:own', Object.assign(Object.create({ x: 1 }) as object, serialised));
    expect(await storage.getItem('v:own')).toEqual({ as: 'this' });
    await expect(storage.setItem('v:none', new Set())).rejects.toThrow('stringify');
    expect(await storage.hasItem('v:none')).toBe(false);
  });

  it('keeps bytes', async () => {
    const storage = storageAt(locate());
    const bytes = randomBytes(300_000);
    await storage.setItemRaw('raw', bytes);
    const got: unknown = await storage.getItemRaw('raw');
    expect(Buffer.isBuffer(got) && bytes.equals(got)).toBe(true);
    await storage.setItemRaw('raw', new Uint16Array([1, 256]).subarray(1));
    expect(await storage.getItemRaw('raw')).toEqual(Buffer.from([0, 1]));
    await storage.setItemRaw('raw', new Uint8Array([1, 2]).buffer);
    expect(await storage.getItemRaw('raw')).toEqual(Buffer.from([1, 2]));
    for (const source of [new Blob(['blob']), new Blob(['blob']).stream()]) {
      await storage.setItemRaw('raw', source);
      expect(await storage.getItemRaw('raw')).toEqual(Buffer.from('blob'));
    }
    await storage.setItemRaw('raw', 'text');
    expect(await storage.getItemRaw('raw')).toEqual(Buffer.from('text'));
    await expectCode(storage.setItemRaw('raw', { any: 'object' }), 'INVALID_ARGUMENT');
    await storage.setItemRaw('raw', Buffer.from([0xff]));
    await expectCode(storage.getItem('raw'), 'INVALID_ARGUMENT');
  });

  it('sets and gets several', async () => {
    const storage = storageAt(locate());
    await storage.setItems([
      { key: 'm:1', value: 'one' },
      { key: 'm:2', value: '{"two":2}' },
    ]);
    expect(await storage.getItems(['m:2', { key: 'm:1?query=1' }, 'm:3'])).toEqual([
      { key: 'm:2', value: { two: 2 } },
      { key: 'm:1', value: 'one' },
      { key: 'm:3', value: null },
    ]);
  });

  it('lists keys below a base and to a depth, and clears a base', async () => {
    const driver = secureStoreDriver({ url: locate(), ...OPENING });
    const storage = createStorage({ driver });
    onTestFinished(() => storage.dispose());
    const keys = ['a', 'a:b', 'a:b:c', 'a:bc', 'ab:c', 'b:a/b\\c'];
    for (const key of keys) await storage.setItem(key, key);
    const listed = async (base?: string, maxDepth?: number): Promise<string[]> =>
      (await storage.getKeys(base, maxDepth === undefined ? {} : { maxDepth })).toSorted();
    expect(await listed()).toEqual(['a', 'a:b', 'a:b:c', 'a:bc', 'ab:c', 'b:a:b:c']);
    expect(await listed('a')).toEqual(['a:b', 'a:b:c', 'a:bc']);
    expect(await listed('a:b:')).toEqual(['a:b:c']);
    expect(await listed(undefined, 0)).toEqual(['a']);
    expect(await listed('a', 1)).toEqual(['a:b', 'a:bc']);
    await storage.removeItem('a:bc');
    // A storage asks its drivers only to clear whole mounts.
    await driver.clear?.('a:b:', {});
    expect(await listed()).toEqual(['a', 'a:b', 'ab:c', 'b:a:b:c']);
    await storage.clear();
    expect(await listed()).toEqual([]);
  });

  it('tells what it knows of an item, beside what is set', async () => {
    const storage = storageAt(locate());
    const before = Date.now();
    await storage.setItem('k', 'größe');
    await storage.setMeta('k', { mine: 1 });
    const meta = await storage.getMeta('k');
    expect(meta).toMatchObject({ size: 7, mine: 1 });
    expect(meta.ttl).toBeUndefined();
    // Backends whose clock shows whole seconds may be behind by one.
    expect((meta.mtime ?? new Date(0)).getTime()).toBeGreaterThan(before - 2000);
    expect(await storage.getKeys()).toEqual(['k']);
    await storage.removeItem('k', { removeMeta: true });
    expect(await storage.getMeta('k')).toEqual({});
  });
});

/** What unstorage hands to its drivers, and what it never would. */
const parts = fc.oneof(
  fc.string({ unit: ANY_CHARACTER, maxLength: 12 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom('', '.', '..', '/', '%', '%%', '$', 'e\u0301', 'x'.repeat(600)),
);
const anyKey = fc.array(parts, { minLength: 1, maxLength: 4 }).map((list) => list.join(':'));

it('gives every key an item of its own, and every key comes back', async () => {
  const driver = secureStoreDriver({ store: await openedAt('memory:') });
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(anyKey, { minLength: 1, maxLength: 8 }), async (keys) => {
      await driver.setItems?.(keys.map((key, at) => ({ key, value: `${at}` })));
      expect((await driver.getKeys('', {})).toSorted()).toEqual(keys.toSorted());
      for (const [at, key] of keys.entries()) expect(await driver.getItem(key)).toBe(`${at}`);
      const [base = ''] = keys;
      const below = keys.filter((key) => key.startsWith(`${base}:`));
      // An empty base is unstorage's word for all of it.
      if (base !== '') {
        expect((await driver.getKeys(`${base}:`, {})).toSorted()).toEqual(below.toSorted());
        await driver.clear?.(`${base}:`, {});
        expect(await driver.getKeys('', {})).toHaveLength(keys.length - below.length);
      }
      await driver.clear?.('', {});
      expect(await driver.getKeys('', {})).toEqual([]);
    }),
    { numRuns: sized({ short: 20, full: 50, torture: 50 }) },
  );
});

describe('a time to live', () => {
  it('is in seconds, of an item, of all of setItems, or of the driver, and ends for everybody', async () => {
    const clock = clockFromNow();
    const store = await openedAt('memory:', { clock });
    const storage = createStorage({ driver: secureStoreDriver({ store, ttl: 600 }) });
    await storage.setItem('minute', 1, { ttl: 60 });
    await storage.setItem('ten', 2);
    await storage.setItem('ever', 3, { ttl: 0 });
    await storage.setItems([{ key: 'five', value: 4 }], { ttl: 300 });
    await storage.setItemRaw('raw', Buffer.from([1]), { ttl: 60 });
    const { ttl = 0 } = await storage.getMeta('minute');
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(60.001);
    // A busy machine may have taken a while to get here, by its own clock, which the driver counts by.
    clock.advance(150_000);
    expect(await storage.getItem('minute')).toBeNull();
    expect(await storage.getItemRaw('raw')).toBeNull();
    expect(await storage.hasItem('minute')).toBe(false);
    expect(await storage.getMeta('minute')).toEqual({});
    expect((await storage.getKeys()).toSorted()).toEqual(['ever', 'five', 'ten']);
    clock.advance(600_000);
    expect(await storage.getKeys()).toEqual(['ever']);
    await expectCode(storage.setItem('k', 1, { ttl: '60' }), 'INVALID_ARGUMENT');
  });
});

describe('the store', () => {
  it.each(['sqlite', 'file'])('at %s: never shows keys or values to the backend', async (kind) => {
    const url = storeUrlOf(kind);
    const storage = createStorage({ driver: secureStoreDriver({ url, ...OPENING }) });
    await storage.setItem('canary:folder:canary-key', { canary: 'canary-value' });
    await storage.setItemRaw(`canary:${'x'.repeat(2000)}`, Buffer.from('canary'.repeat(30_000)));
    expect(await storage.getItem('canary:folder:canary-key')).toEqual({ canary: 'canary-value' });
    await storage.dispose();
    const files = filesOf(url);
    expect(files.length).toBeGreaterThan(180_000);
    expect(files).not.toContain('canary');
    expect(files).not.toContain(Buffer.from('canary').toString('base64').slice(0, 7));
    expect(files).not.toContain(Buffer.from('canary').toString('hex'));

    // The same search finds what a store shows.
    const plain = storeUrlOf(kind);
    const shown = createStorage({ driver: secureStoreDriver({ url: plain, ...OPENING, names: 'plain' }) });
    await shown.set('canary-key', 'v');
    await shown.dispose();
    expect(filesOf(plain)).toContain('canary');
  });

  it('that was opened here is closed by dispose, and a lent one is not', async () => {
    const url = storeUrlOf('sqlite');
    const storage = createStorage({ driver: secureStoreDriver({ url, ...OPENING }) });
    await storage.setItem('k', 'v');
    await storage.dispose();
    await expectCode(storage.getItem('k'), 'UNAVAILABLE');
    const store = await openedAt(url);
    const lent = createStorage({ driver: secureStoreDriver({ store }) });
    expect(await lent.getItem('k')).toBe('v');
    await lent.dispose();
    expect(await store.list()).toEqual(['unstorage/k']);
  });

  it('holds what several bases, mounts and other users put there, apart', async () => {
    const store = await openedAt('memory:');
    await store.store('unstoragex', 'mine');
    const storage = createStorage({ driver: secureStoreDriver({ store }) });
    storage.mount('cache', secureStoreDriver({ store, base: 'other/base' }));
    await storage.setItem('cache:a', 1);
    await prefixStorage(storage, 'users').setItem('7', 'seven');
    expect((await store.list()).toSorted()).toEqual(['other/base/a', 'unstorage/users/7', 'unstoragex']);
    expect((await storage.getKeys()).toSorted()).toEqual(['cache:a', 'users:7']);
    await storage.clear('cache');
    expect(await storage.getKeys()).toEqual(['users:7']);
    await storage.clear();
    expect(await store.list()).toEqual(['unstoragex']);
  });

  it('is shared by two stores that are open at once, and tells them of changes that were made here', async () => {
    const url = storeUrlOf('sqlite');
    const [one, two] = [storageAt(url), storageAt(url)];
    const heard: string[] = [];
    const unwatch = await one.watch((event, key) => heard.push(`${event} ${key}`));
    await Promise.all(Array.from({ length: 30 }, (_, at) => (at % 2 === 0 ? one : two).setItem(`n:${at}`, at)));
    expect((await one.getKeys('n')).toSorted()).toEqual((await two.getKeys('n')).toSorted());
    expect(await two.getKeys('n')).toHaveLength(30);
    expect(heard).toHaveLength(15);
    await unwatch();
  });
});

async function make(options: object): Promise<unknown> {
  return secureStoreDriver(options as never);
}

describe('errors', () => {
  it('are rejections', async () => {
    const url = storeUrlOf('file');
    await (await openStore(url, OPENING)).close();
    const driver = secureStoreDriver({ url, unlock: rawKey(Buffer.alloc(32, 1)) });
    const storage = createStorage({ driver });
    await expectCode(storage.setItem('k', 'v'), 'UNLOCK_FAILED');
    await expectCode(storage.getItem('k'), 'UNLOCK_FAILED');
    await expectCode(storage.getKeys(), 'UNLOCK_FAILED');
    await expectCode(storage.clear(), 'UNLOCK_FAILED');
    await storage.dispose();
  });

  it('of keys that were destroyed are not taken for what is not there', async () => {
    const store = await openedAt('memory:', { clock: hurriedClock(), categories: { gone: ['unstorage/gone/**'] } });
    const storage = createStorage({ driver: secureStoreDriver({ store }) });
    await storage.setItem('gone:k', 'v');
    await storage.setItem('kept', 'v');
    await store.encryptionKeys.destroy('gone', { waitingPeriod: 0 });
    await expectCode(storage.getItem('gone:k'), 'KEY_DESTROYED');
    await expectCode(storage.getItems(['kept', 'gone:k']), 'KEY_DESTROYED');
    expect(await storage.getItem('kept')).toBe('v');
  });

  it('of wrong options say which', async () => {
    const store = await openedAt('memory:');
    await expectCode(make({}), 'INVALID_ARGUMENT');
    await expectCode(make({ store, base: '/' }), 'INVALID_KEY');
    expect((await expectCode(make({ store, create: true }), 'INVALID_ARGUMENT')).message).toContain('"create"');
  });
});
