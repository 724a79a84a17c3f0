import { parseStoreKey } from '@securestore/core-format';
import type { SecureStorage } from '@securestore/objects';

/** An object below a folder of the store. */
export interface NamedObject {
  readonly key: string;
  /** The name relative to the folder. */
  readonly name: string;
}

/**
 * The objects below `folder` in the store (empty for all), and the object of exactly that name, which goes by its
 * last segment.
 *
 * @throws `INVALID_KEY` where `folder` can't be the beginning of a key.
 */
export async function objectsBelow(
  store: Pick<SecureStorage, 'list'>,
  folder: string,
  signal?: AbortSignal,
): Promise<NamedObject[]> {
  if (folder === '') return (await store.list('', { signal })).map((key) => ({ key, name: key }));
  parseStoreKey(folder);
  const keys = await store.list(folder, { signal });
  const start = `${folder}/`;
  return keys
    .filter((key) => key === folder || key.startsWith(start))
    .map((key) => ({ key, name: key === folder ? key.slice(key.lastIndexOf('/') + 1) : key.slice(start.length) }));
}
