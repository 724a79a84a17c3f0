import { isBackendKey } from '@securestore/backend-api';

/**
 * Blob Storage advises against names with a part that ends in a dot, which keys of a store have. So dots are written as
 * hyphens and hyphens as exclamation marks: in ASCII all three come before the slash and have nothing of the alphabet of
 * keys between them, so names keep the order and the beginnings of the keys.
 */
const WRITTEN: Readonly<Record<string, string>> = { '.': '-', '-': '!' };
const READ: Readonly<Record<string, string>> = { '-': '.', '!': '-' };

/** The name of the blob of a key, or the beginning of names for the beginning of keys. */
export function blobName(prefix: string, key: string): string {
  return prefix + key.replaceAll(/[.-]/g, (character) => WRITTEN[character] ?? character);
}

/** The key of a blob; `undefined` for a name that no key has, so that others have put it there. */
export function keyOf(prefix: string, name: string): string | undefined {
  if (!name.startsWith(prefix) || name.includes('.', prefix.length)) return undefined;
  const key = name.slice(prefix.length).replaceAll(/[-!]/g, (character) => READ[character] ?? character);
  return isBackendKey(key) ? key : undefined;
}
