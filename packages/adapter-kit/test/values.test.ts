import { SecureStoreError } from '@securestore/core-format';
import { createStore, rawKey } from 'securestore';
import { expect, it, vi } from 'vitest';
import { expiresAfter, storeAll, valueIfThere } from '../src/index.ts';

it('turns times to live into times', () => {
  vi.useFakeTimers({ now: 1_000_000, toFake: ['Date'] });
  try {
    expect(expiresAfter(undefined)).toEqual({});
    expect(expiresAfter(null)).toEqual({});
    expect(expiresAfter(500)).toEqual({ expires: new Date(1_000_500) });
    expect(expiresAfter(0.5)).toEqual({ expires: new Date(1_000_001) });
    expect(expiresAfter(-1)).toEqual({ expires: new Date(999_999) });
    expect(expiresAfter(-Infinity)).toEqual({ expires: new Date(0) });
    expect(expiresAfter(Infinity)).toEqual({});
    expect(expiresAfter(Number.MAX_SAFE_INTEGER)).toEqual({});
  } finally {
    vi.useRealTimers();
  }
});

it.each(['60', Number.NaN, {}])('refuses %s as a time to live', (ttl) => {
  expect(() => expiresAfter(ttl)).toThrow('must be a number');
});

function failed(code: 'NOT_FOUND' | 'INTEGRITY'): { key: string; ok: false; error: SecureStoreError } {
  return { key: 'k', ok: false, error: new SecureStoreError(code, 'of the test') };
}

it('tells what is not there from what failed', () => {
  expect(valueIfThere({ key: 'k', ok: true, value: 1 })).toBe(1);
  expect(valueIfThere(failed('NOT_FOUND'))).toBeUndefined();
  expect(() => valueIfThere(failed('INTEGRITY'))).toThrow('of the test');
});

it('stores items, deletes what lives no longer, and throws what failed otherwise', async () => {
  await using store = await createStore('memory:', { unlock: rawKey(Buffer.alloc(32, 1)) });
  await store.store('k', 'old');
  const over = new Date(Date.now() - 1);
  await storeAll(store, [
    { key: 'k', data: 'new', expires: over },
    { key: 'other', data: 'x', expires: new Date(Date.now() + 60_000) },
    { key: 'none', data: 'x', expires: over },
  ]);
  expect(await store.list()).toEqual(['other']);
  const wrong = { key: '', data: 'x' };
  await expect(storeAll(store, [wrong])).rejects.toMatchObject({ code: 'INVALID_KEY' });
  await expect(storeAll(store, [{ ...wrong, key: 'k', metadata: 7 as never }])).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
});
