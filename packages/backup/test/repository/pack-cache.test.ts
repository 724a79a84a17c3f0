import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type CachedPack, PackCache } from '../../src/repository/pack-cache.ts';

const BYTES = 64 * 1024;

const packOf = (items = 100, length = BYTES): CachedPack => ({
  bytes: new Uint8Array(length),
  items: { length: items },
});

/** A cache, and how often each pack was loaded. */
function counting(limit: number, items?: number) {
  const cache = new PackCache<CachedPack>(limit);
  const packs = new Map<string, CachedPack[]>();
  const use = (name: string): Promise<number> =>
    cache.with(
      name,
      async () => {
        await nextTurn();
        const pack = packOf(items);
        packs.set(name, [...(packs.get(name) ?? []), pack]);
        return pack;
      },
      ({ bytes }) => bytes.length,
    );
  return { cache, use, loads: (name: string) => packs.get(name)?.length ?? 0, packs };
}

describe('the packs in memory', () => {
  it('are loaded once for callers that come together and for later ones', async () => {
    const { cache, use, loads } = counting(2 * BYTES);
    expect(await Promise.all([use('a'), use('a'), use('a')])).toEqual([BYTES, BYTES, BYTES]);
    await use('a');
    expect(loads('a')).toBe(1);
    expect(cache.bytes).toBe(BYTES);
  });

  it('are those that were used last; the memory of others is freed at once', async () => {
    const { cache, use, loads, packs } = counting(2 * BYTES);
    await use('a');
    await use('b');
    await use('a');
    await use('c');
    expect(cache.bytes).toBe(2 * BYTES);
    expect(packs.get('b')?.[0]?.bytes.length).toBe(0);
    await use('a');
    expect(loads('a')).toBe(1);
    await use('b');
    expect(loads('b')).toBe(2);
  });

  it('are not freed as long as a caller uses them, although there are too many', async () => {
    const { cache, use } = counting(BYTES);
    const names = ['a', 'b', 'c', 'a', 'b', 'c'];
    expect(await Promise.all(names.map(use))).toEqual(names.map(() => BYTES));
    await use('d');
    expect(cache.bytes).toBe(BYTES);
  });

  it('are freed once they were used as often as they have items', async () => {
    const { cache, use, loads, packs } = counting(8 * BYTES, 2);
    await use('a');
    expect(cache.bytes).toBe(BYTES);
    await use('a');
    expect(cache.bytes).toBe(0);
    expect(packs.get('a')?.[0]?.bytes.length).toBe(0);
    expect(await use('a')).toBe(BYTES);
    expect(loads('a')).toBe(2);
  });

  it('are loaded again after they could not be', async () => {
    const cache = new PackCache<CachedPack>(BYTES);
    const failing = cache.with(
      'a',
      () => Promise.reject(new Error('unreadable')),
      () => 0,
    );
    await expect(failing).rejects.toThrow('unreadable');
    expect(
      await cache.with(
        'a',
        async () => packOf(1, 40_000),
        ({ bytes }) => bytes.length,
      ),
    ).toBe(40_000);
    expect(cache.bytes).toBe(0);
  });
});
