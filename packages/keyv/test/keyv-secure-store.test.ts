import fc from 'fast-check';
import { Keyv } from 'keyv';
import { Keyv as Keyv5 } from 'keyv-5';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  clockFromNow,
  expectCode,
  filesOf,
  storeUrlOf,
  openedAt,
  OPENING,
} from '../../adapter-kit/test/support/stores.ts';
import { KeyvSecureStore } from '../src/index.ts';
import { ANY_CHARACTER } from '../../../tools/campaigns/src/any-character.ts';
import { sized } from '../../../tools/campaigns/src/size.ts';

async function entriesOf(adapter: KeyvSecureStore): Promise<Record<string, string>> {
  return Object.fromEntries(await Array.fromAsync(adapter.iterator()));
}

/** Any text: also none, controls, lone surrogates, what is not normalised, and what is too long for a key. */
const keys = fc.oneof(
  fc.string({ unit: ANY_CHARACTER, maxLength: 20 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    '',
    '.',
    '..',
    '/',
    'a/../b',
    '%',
    '%%',
    'e\u0301',
    '\u00e9',
    'x'.repeat(1100),
    '\u00e9'.repeat(5000),
  ),
);

describe('any key', () => {
  it('holds a value of its own, under any namespace, and comes back from the iterator', async () => {
    const store = await openedAt('memory:');
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(keys, { minLength: 1, maxLength: 6 }),
        fc.uniqueArray(fc.option(keys, { nil: undefined }), {
          minLength: 1,
          maxLength: 3,
          selector: (namespace) => namespace ?? '',
        }),
        async (some, namespaces) => {
          const usable = namespaces.filter((namespace) => (namespace ?? '').length < 100);
          const adapters = usable.map((namespace) => new KeyvSecureStore(store, { namespace }));
          const expected = (at: number): Record<string, string> =>
            Object.fromEntries(some.map((key, index) => [key, `${at}.${index}`] as const));
          for (const [at, adapter] of adapters.entries()) {
            await adapter.setMany(Object.entries(expected(at)).map(([key, value]) => ({ key, value })));
          }
          for (const [at, adapter] of adapters.entries()) {
            const all = expected(at);
            expect(await entriesOf(adapter)).toEqual(all);
            expect(await adapter.getMany(Object.keys(all))).toEqual(Object.values(all));
            await adapter.clear();
            expect(await entriesOf(adapter)).toEqual({});
          }
        },
      ),
      { numRuns: sized({ short: 20, full: 60, torture: 60 }) },
    );
  });

  it('has no limit but that of metadata', async () => {
    const adapter = new KeyvSecureStore(await openedAt('memory:'));
    const long = 'x'.repeat(60_000);
    await adapter.set(long, 'v');
    expect(await entriesOf(adapter)).toEqual({ [long]: 'v' });
    expect(await adapter.delete(long)).toBe(true);
    await expectCode(adapter.set('x'.repeat(70_000), 'v'), 'TOO_LARGE');
    await expectCode(adapter.set(1 as unknown as string, 'v'), 'INVALID_KEY');
    await expectCode(
      new KeyvSecureStore(await openedAt('memory:'), { namespace: 'n'.repeat(1100) }).get('k'),
      'INVALID_KEY',
    );
  });
});

describe('several keys', () => {
  it('are deleted at once, and it is said whether all of them were there', async () => {
    const adapter = new KeyvSecureStore(await openedAt('memory:'));
    const keyv = new Keyv(adapter);
    const set = (): Promise<boolean[]> => keyv.setMany(['a', 'b'].map((key) => ({ key, value: key })));
    await set();
    expect(await keyv.delete(['a', 'b'])).toEqual([true, true]);
    expect(await keyv.delete(['a', 'b'])).toEqual([false, false]);
    await set();
    expect(await adapter.deleteMany(['a', 'c'])).toBe(false);
    expect(await adapter.hasMany(['a', 'b', 'c'])).toEqual([false, true, false]);
    expect(await adapter.getMany([])).toEqual([]);
    expect(await adapter.setMany([])).toEqual([]);
  });
});

describe('values', () => {
  it('come back as they were', async () => {
    const adapter = new KeyvSecureStore(await openedAt('memory:'));
    for (const value of ['', '\ufeffx', '\0', 'größe \u{1f600}', 'x'.repeat(3_000_000)]) {
      await adapter.set('k', value);
      expect(await adapter.get('k')).toBe(value);
    }
  });

  it('that are no text are refused', async () => {
    const adapter = new KeyvSecureStore(await openedAt('memory:'));
    const error = await expectCode(adapter.set('k', { value: 1 }), 'INVALID_ARGUMENT');
    expect(error.message).toContain('serialisation');
    await expectCode(adapter.set('k', '\ud800'), 'INVALID_ARGUMENT');
    expect(await adapter.has('k')).toBe(false);
  });
});

describe('a time to live', () => {
  it.each([
    ['keyv 5', (store: KeyvSecureStore) => new Keyv5({ store, namespace: 'n' })],
    ['keyv 6', (store: KeyvSecureStore) => new Keyv({ store, namespace: 'n' })],
  ] as const)('given to %s ends for whoever reads the store, with or without keyv', async (_name, make) => {
    const clock = clockFromNow();
    const store = await openedAt('memory:', { clock });
    const adapter = new KeyvSecureStore(store);
    const keyv = make(adapter);
    await keyv.set('short', 1, 60_000);
    await keyv.setMany([
      { key: 'long', value: 2, ttl: 3_600_000 },
      { key: 'ever', value: 3 },
    ]);
    expect((await store.list()).length).toBe(3);
    // A busy machine may have taken a while to get here, by its own clock, which the adapter counts by.
    clock.advance(600_000);
    // Keyv5 goes by the clock of the machine, by which nothing has expired.
    expect(await keyv.getMany(['short', 'long', 'ever'])).toEqual([undefined, 2, 3]);
    expect(await keyv.has('short')).toBe(false);
    expect(await keyv.delete('short')).toBe(false);
    expect(Object.keys(await entriesOf(adapter))).toHaveLength(2);
    clock.advance(3_600_000);
    expect(await keyv.getMany(['short', 'long', 'ever'])).toEqual([undefined, undefined, 3]);
    const left = await Array.fromAsync(store.entries());
    expect(left.map(({ expires }) => expires)).toEqual([undefined]);
  });

  it('that is over already stores nothing that could be read', async () => {
    const adapter = new KeyvSecureStore(await openedAt('memory:'));
    await adapter.set('k', 'old');
    await adapter.set('k', 'new', -1);
    expect(await adapter.get('k')).toBeUndefined();
    const keyv = new Keyv(adapter);
    await keyv.set('k', 'old');
    expect(await keyv.setRaw('k', { value: 'new', expires: Date.now() - 1000 })).toBe(true);
    expect(await adapter.get('k')).toBeUndefined();
    await expectCode(adapter.set('k', 'v', Number.NaN), 'INVALID_ARGUMENT');
  });
});

describe('namespaces', () => {
  it('are apart from each other, from none, and from the rest of the store', async () => {
    const store = await openedAt('memory:');
    await store.store('keyvx', 'mine');
    await store.store('other/k', 'mine');
    const make = (namespace?: string, prefix?: string): KeyvSecureStore =>
      new KeyvSecureStore(store, { namespace, prefix });
    const adapters = [make(), make('a'), make('a/b'), make('a:b'), make('%'), make('..'), make(undefined, 'more/keyv')];
    for (const [at, adapter] of adapters.entries()) await adapter.set('k', `${at}`);
    expect(await Promise.all(adapters.map((adapter) => adapter.get('k')))).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    await adapters[0]?.clear();
    await adapters[1]?.clear();
    expect(await Promise.all(adapters.map((adapter) => adapter.get('k')))).toEqual([
      undefined,
      undefined,
      '2',
      '3',
      '4',
      '5',
      '6',
    ]);
    for (const adapter of adapters) await adapter.clear();
    expect(await store.list()).toEqual(['keyvx', 'other/k']);
  });

  it('are set by keyv', async () => {
    const store = await openedAt('memory:');
    const keyv = new Keyv({ store: new KeyvSecureStore(store), namespace: 'mine' });
    await keyv.set('k', 1);
    expect(await store.list()).toEqual(['keyv/mine/k']);
    keyv.namespace = 'yours';
    expect(await keyv.get('k')).toBeUndefined();
    expect(new Keyv(new KeyvSecureStore(store, { namespace: 'mine' })).namespace).toBe('mine');
  });
});

describe('the store', () => {
  it.each(['sqlite', 'file'])('at %s: never shows keys, namespaces or values to the backend', async (kind) => {
    const url = storeUrlOf(kind);
    const keyv = new Keyv(new KeyvSecureStore(url, OPENING), { namespace: 'canary-namespace' });
    keyv.on('error', (error) => expect.unreachable(String(error)));
    await keyv.set('canary-key', 'canary-value');
    await keyv.set(`canary-long-${'x'.repeat(2000)}`, `canary-large-${'y'.repeat(200_000)}`, 60_000);
    expect(await keyv.get('canary-key')).toBe('canary-value');
    await keyv.disconnect();
    const files = filesOf(url);
    expect(files.length).toBeGreaterThan(200_000);
    expect(files).not.toContain('canary');
    expect(files).not.toContain(Buffer.from('canary').toString('base64').slice(0, 7));
    expect(files).not.toContain(Buffer.from('canary').toString('hex'));

    // The same search finds what a store shows.
    const plain = storeUrlOf(kind);
    const shown = new KeyvSecureStore(plain, { ...OPENING, names: 'plain' });
    await shown.set('canary-key', 'v');
    await shown.disconnect();
    expect(filesOf(plain)).toContain('canary');
  });

  it('that was opened here is closed by disconnect', async () => {
    const url = storeUrlOf('sqlite');
    const keyv = new Keyv5({ store: new KeyvSecureStore(url, OPENING), throwOnErrors: true });
    await keyv.set('k', 'v');
    await keyv.disconnect();
    await expectCode(keyv.get('k'), 'UNAVAILABLE');
    const again = new KeyvSecureStore(url, OPENING);
    onTestFinished(() => again.disconnect());
    expect(await entriesOf(again)).toEqual({});
    again.namespace = 'keyv';
    expect(Object.keys(await entriesOf(again))).toEqual(['keyv:k']);
  });

  it('that was lent stays open', async () => {
    const store = await openedAt('memory:');
    const keyv = new Keyv(new KeyvSecureStore(store));
    await keyv.disconnect();
    expect(await keyv.set('k', 'v')).toBe(true);
    expect(await store.list()).toEqual(['keyv/%/k']);
  });

  it('is shared by two stores that are open at once', async () => {
    const url = storeUrlOf('sqlite');
    const make = (): KeyvSecureStore => new KeyvSecureStore(url, OPENING);
    const [one, two] = [make(), make()];
    onTestFinished(async () => {
      await one.disconnect();
      await two.disconnect();
    });
    const numbers = Array.from({ length: 40 }, (_, at) => `${at}`);
    await Promise.all(numbers.map((key, at) => (at % 2 === 0 ? one : two).set(key, key)));
    await Promise.all(numbers.flatMap((key) => [one.set('same', key), two.set('same', key)]));
    const seen = await entriesOf(one);
    expect(await entriesOf(two)).toEqual(seen);
    expect(Object.keys(seen)).toHaveLength(41);
    const deleted = await Promise.all([one, two].map((adapter) => adapter.delete('same')));
    expect(deleted.filter(Boolean)).toHaveLength(1);
  });
});

it('serves many instances without a warning', async () => {
  const adapter = new KeyvSecureStore(await openedAt('memory:'));
  const warnings: Error[] = [];
  const warn = (warning: Error): number => warnings.push(warning);
  process.on('warning', warn);
  for (let at = 0; at < 20; at += 1) void new Keyv(adapter);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', warn);
  expect(warnings).toEqual([]);
  expect(adapter.listenerCount('error')).toBe(20);
});
