import { SecureStoreError } from '@securestore/core-format';
import { expect, it, vi } from 'vitest';
import { assertStored, expiresAfter, valueIfThere } from '../src/index.ts';

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
  expect(() => assertStored([{ key: 'k', ok: true, value: 1 }])).not.toThrow();
  expect(() => assertStored([failed('INTEGRITY')])).toThrow('of the test');
});
