import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { StoreKey } from '@securestore/core-format';

/** What every path of the interface begins with; another one when something changes its meaning. */
export const API_PREFIX = '/v1';

/**
 * A key as the end of a path: each segment percent-encoded, with `/` between them. Keys have no empty segments, no `.` and no `..`, so
 * nothing that tidies paths up on the way can make the path of another key out of one.
 *
 * @throws URIError for a lone surrogate, which no key has
 */
export function encodeKey(key: StoreKey): string {
  return key.split('/').map(encodeURIComponent).join('/');
}

function decodeSegment(segment: string): string {
  let decoded: string | undefined;
  try {
    decoded = decodeURIComponent(segment);
  } catch {
    // What is no UTF-8 is no key either; a replacement character would be the name of another object.
  }
  if (decoded === undefined) {
    throw new SecureStoreError('INVALID_KEY', 'the path must be percent-encoded UTF-8');
  }
  if (decoded.includes('/')) {
    throw new SecureStoreError('INVALID_KEY', 'a / in a key must not be encoded as %2F');
  }
  return decoded;
}

/**
 * The key at the end of a path, decoded once.
 *
 * @param path the path as it was sent, from the first segment of the key on
 * @throws SecureStoreError `INVALID_KEY`
 */
export function decodeKey(path: string): StoreKey {
  return parseStoreKey(path.split('/').map(decodeSegment).join('/'));
}

/** A query, strictly encoded; what is undefined is left out. */
export function encodeQuery(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parts = Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/**
 * What a query says. `undefined` if it is no UTF-8, has something twice, or an empty name: each would be read as something else by
 * somebody on the way.
 */
export function decodeQuery(query: string): Record<string, string> | undefined {
  const values = new Map<string, string>();
  for (const part of query === '' ? [] : query.split('&')) {
    const at = part.indexOf('=');
    const [name = '', value = ''] = at === -1 ? [part] : [part.slice(0, at), part.slice(at + 1)];
    try {
      const decoded = decodeURIComponent(name);
      if (decoded === '' || values.has(decoded)) return undefined;
      values.set(decoded, decodeURIComponent(value.replaceAll('+', ' ')));
    } catch {
      return undefined;
    }
  }
  // Without a prototype of its own making: `__proto__` is a name like any other, and nobody's.
  return Object.fromEntries(values);
}
