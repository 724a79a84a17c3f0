import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBackendKey } from '@securestore/backend-api';
import { blobName, keyOf } from '../../src/connection/names.ts';

const keys = fc
  .string({ unit: fc.constantFrom(...'-./0a@_~'.split('')), minLength: 1, maxLength: 12 })
  .filter((key) => isBackendKey(key));

test('names keep the order and the beginnings of keys, lead back to them, and have no part that ends with a dot', () => {
  fc.assert(
    fc.property(keys, keys, (one, other) => {
      const [first, second] = [blobName('app.v-1/', one), blobName('app.v-1/', other)];
      expect(keyOf('app.v-1/', first)).toBe(one);
      expect(first < second).toBe(one < other);
      expect(first.startsWith(second)).toBe(one.startsWith(other));
      expect(first).not.toMatch(/\.(?:\/|$)/);
    }),
  );
});

test('a name that no key has is none', () => {
  for (const name of ['app/', 'app/a.b', 'app/A', 'app/a//b', 'app/-', 'other/a', 'app/a b']) {
    expect(keyOf('app/', name)).toBeUndefined();
  }
});
