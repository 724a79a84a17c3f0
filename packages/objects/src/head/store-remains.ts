import type { StorageBackend } from '@securestore/backend-api';
import { AREAS, BACKUP_AREAS, BACKUP_KEYS_NAME, encodeNumber, HEAD_NAME, pointNumber } from '@securestore/core-format';
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

const SHARED: ReadonlySet<string> = new Set(Object.values(BACKUP_AREAS));
const OF_STORES_ALONE = Object.values(AREAS).filter((area) => !SHARED.has(area));

/** Whether backups are here: their object `keys`, or a recovery point. */
export async function hasBackups(backend: StorageBackend, signal: AbortSignal | undefined): Promise<boolean> {
  const [keys, { entries }] = await Promise.all([
    backend.read(BACKUP_KEYS_NAME, { start: 0, end: 1, signal }),
    listPage(backend, BACKUP_AREAS.points, { limit: 1, signal }),
  ]);
  return keys !== undefined || entries.some(({ key }) => pointNumber(key) !== undefined);
}

/** Whether backups are here, and nothing that only a store has: a store that lost its head must not pass for backups. */
export async function hasOnlyBackups(backend: StorageBackend, signal: AbortSignal | undefined): Promise<boolean> {
  if (!(await hasBackups(backend, signal))) return false;
  const pages = await Promise.all(OF_STORES_ALONE.map((area) => listPage(backend, area, { limit: 1, signal })));
  return pages.every(({ entries }) => entries.length === 0);
}
