import { SecureStoreError } from '@securestore/core-format';

const MAX_DEPTH = 32;

/** Whether `value`, parsed from JSON, is an object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether `value` is a whole number from 0 on that is exact. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Why JSON would change `value`; `undefined` if it would not. */
function flaw(value: unknown, path: string, depth: number): string | undefined {
  if (depth > MAX_DEPTH) return `${path} is nested more than ${MAX_DEPTH} deep, or in a circle`;
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${path} is not a finite number`;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      const found = flaw(item, `${path}[${index}]`, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (typeof value !== 'object') return `${path} is of the type ${typeof value}`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `${path} is not a plain object`;
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const found = flaw(item, `${path}.${name}`, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether `value`, parsed from JSON, is as deep as {@link jsonCopy} allows. */
export function isShallow(value: unknown): boolean {
  return flaw(value, '', 0) === undefined;
}

/**
 * A copy of `value` as JSON gives it back. Properties that are `undefined` are left out.
 *
 * @param what for messages
 * @param limit in bytes of JSON
 * @throws SecureStoreError `INVALID_ARGUMENT` if JSON would change it, `TOO_LARGE`
 */
export function jsonCopy<T>(value: T, what: string, limit: number): T {
  const found = flaw(value, what, 0);
  if (found !== undefined) throw new SecureStoreError('INVALID_ARGUMENT', `${found}, which JSON cannot hold`);
  const text = JSON.stringify(value);
  const size = Buffer.byteLength(text);
  if (size > limit) {
    throw new SecureStoreError('TOO_LARGE', `${what} must have at most ${limit} bytes as JSON, got ${size}`);
  }
  // What has no flaw comes back as it went in.
  return JSON.parse(text) as T;
}
