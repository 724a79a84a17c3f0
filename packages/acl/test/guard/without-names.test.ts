import type { ErrorDetails } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { withListedNames, withoutUnlistedName } from '../../src/guard/without-names.ts';

const SECRET = 'secret/name';
const mayList = (key: string): boolean => key !== SECRET;

function shown(call: string, details: ErrorDetails): string {
  const error = new SecureStoreError('CONFLICT', `"${SECRET}" exists`, { operation: call, ...details });
  const { message, key, advice, cause } = withoutUnlistedName(call, error, mayList) as SecureStoreError;
  return JSON.stringify({ message, key, advice, cause });
}

const POLICY = { id: 'choose-conflict-policy' } as const;

it.each<[string, ErrorDetails]>([
  ['its key', { key: SECRET, advice: [POLICY] }],
  ['its advice', { advice: [POLICY, { id: 'read-again', key: SECRET }] }],
  ['the second key of its advice', { key: 'a', advice: [POLICY, { id: 'read-again', key: SECRET }] }],
])('an error of a restore loses the name that may not be listed in %s, and keeps the other advice', (_, details) => {
  const told = shown('restore', details);
  expect(told).not.toContain(SECRET);
  expect(told).toContain('an object that the caller may not list');
  expect(told).toContain(JSON.stringify([POLICY]));
});

it('an error that names only what may be listed stays as it is, and so does that of a call on one object', () => {
  expect(shown('restore', { key: 'a', advice: [{ id: 'read-again', key: 'a' }] })).toContain('"read-again"');
  expect(shown('store', { key: SECRET })).toContain(SECRET);
});

it('a report of a backup keeps the number of lost objects, and the keys that may be listed', () => {
  const failed = [{ name: 'o/x', code: 'INTEGRITY', message: 'damaged' }];
  const report = {
    missing: { count: 2, keys: ['a', SECRET] },
    forgotten: { count: 1, keys: [SECRET] },
    failed,
    findings: ['2'],
  };
  expect(withListedNames(report, mayList)).toEqual({
    missing: { count: 2, keys: ['a'] },
    forgotten: { count: 1, keys: [] },
    failed,
    findings: ['2'],
  });
});
