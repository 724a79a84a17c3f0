import type { StorageBackend } from '@securestore/backend-api';
import { AREAS, encodeNumber, HEAD_NAME } from '@securestore/core-format';
import { listPage } from '../util/listing.ts';

/** That of the head with which a store is made. */
export const FIRST_GENERATION = 1;

const { keyrings, policies, ...others } = AREAS;
const OF_OPEN_STORES: readonly string[] = Object.values(others);

/**
 * Whether something lies here that only a store with a head can have written. A keyring and a category map of the first
 * generation are no such thing: a creation that stopped before its head leaves them too, and must be repeatable.
 */
export async function hasRemains(backend: StorageBackend, signal: AbortSignal | undefined): Promise<boolean> {
  const anything = OF_OPEN_STORES.map((area) => listPage(backend, area, { limit: 1, signal }));
  const later = [keyrings, policies].map((area) =>
    // `~` sorts after every digit.
    listPage(backend, area, { after: `${area}${encodeNumber(FIRST_GENERATION)}-~`, limit: 1, signal }),
  );
  const pages = await Promise.all([...anything, ...later]);
  if (pages.every(({ entries }) => entries.length === 0)) return false;
  // It may be of a store that another process has made since somebody looked for the head.
  return (await backend.read(HEAD_NAME, { signal })) === undefined;
}
