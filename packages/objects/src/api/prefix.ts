import { SecureStoreError } from '@securestore/core-format';
import { shownValue } from '../util/shown-value.ts';

/** @throws SecureStoreError `INVALID_ARGUMENT` for a prefix that is no text */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix !== 'string')
    throw new SecureStoreError('INVALID_ARGUMENT', `the prefix must be a string, got ${shownValue(prefix)}`);
  return prefix;
}

/** By UTF-8 bytes, which is the order of code points and not that of UTF-16 units. */
export function sortNames(names: readonly string[]): string[] {
  const inUnitOrder = names.every((name) => !/[\ud800-\udfff]/.test(name));
  return inUnitOrder ? names.toSorted() : names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
