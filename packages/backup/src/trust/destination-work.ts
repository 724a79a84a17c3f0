import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { Destination, FoundDestination } from '../repository/destination.ts';
import { findDestination, publishHead, requireDestination } from '../repository/destination.ts';
import { lostBackup, namingDestination } from '../repository/errors.ts';
import { withKeysOfNow } from './chain-attestation.ts';
import { newestOwn } from './key-change-points.ts';
import { knownBackup } from './open-backup.ts';
import type { OpenedBackup } from './opened-backup.ts';
import type { Fence, RegisteredDestination } from './registry.ts';
import { changeRegistry, isFenced, registryOf } from './registry.ts';

type Place = Pick<Destination, 'backend' | 'url'>;

/** Opens the backups at a destination with the keys of the store. @throws SecureStoreError `NOT_FOUND`, `INTEGRITY`; what the backend throws */
export async function openAt<T>(
  area: BackupArea,
  { backend, url }: Place,
  signal: AbortSignal | undefined,
  body: (backup: OpenedBackup, found: FoundDestination) => Promise<T>,
): Promise<T> {
  return withKeysOfNow(async () => {
    const found = await requireDestination(backend, url, signal);
    return body(await knownBackup(area, found, signal), found);
  }).catch((error: unknown) => {
    throw namingDestination(error, url);
  });
}

/**
 * A destination that was moved is known by its id at its new URL. A copy of one is refused: changes at the one would never reach the other,
 * and its keys would not be replaced any more. If nothing is at the URL of a destination, its disk may not be mounted: a backup must not
 * begin there again by itself.
 *
 * @param at connects to another destination
 * @param begins whether the caller wants a destination there, if nothing is
 * @throws SecureStoreError `CONFLICT` if the same destination is registered at another store URL, and is still there; `NOT_FOUND` if the
 *   one that is registered at this store URL is not there
 */
export async function checkAlone(
  area: BackupArea,
  { backend, url }: Place,
  at: (
    other: string,
    visit: (connected: Place) => Promise<FoundDestination | undefined>,
  ) => Promise<FoundDestination | undefined>,
  begins: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await findDestination(backend, url, signal);
  if (found === undefined && !begins && registryOf(area).destinations.some((one) => one.url === url)) {
    throw lostBackup(url);
  }
  const id = found && asBuffer(found.id).toString('hex');
  const other = registryOf(area).destinations.find((one) => one.id === id && one.url !== url);
  if (other === undefined) return;
  const there = await at(other.url, (connected) => findDestination(connected.backend, connected.url, signal));
  if (there === undefined || asBuffer(there.id).toString('hex') !== id) return;
  throw new SecureStoreError(
    'CONFLICT',
    `${url} has a copy of the backups at ${other.url}, which is a destination itself`,
    { advice: [{ id: 'replace-destination', destination: other.url }, { id: 'choose-store-url' }] },
  );
}

/** Registers a destination that has a snapshot. @param wasRegistered when its snapshot began: if it was unregistered meanwhile, it stays so */
export async function register(
  area: BackupArea,
  { backend, url }: Place,
  signal: AbortSignal | undefined,
  wasRegistered: boolean,
): Promise<void> {
  const found = await findDestination(backend, url, signal);
  if (found === undefined || area.isMember) return;
  const id = asBuffer(found.id).toString('hex');
  const known = registryOf(area).destinations.find((one) => one.id === id && one.url === url);
  if (known !== undefined && isFenced(area, known.fence)) return;
  const fence: Fence = { keyId: area.seals.primaryId, ...(await newestOwn(area, found, signal)) };
  await changeRegistry(
    area,
    (registry) => {
      if (wasRegistered && !registry.destinations.some((one) => one.url === url)) return undefined;
      const others = registry.destinations.filter((one) => one.id !== id);
      const before = registry.destinations.find((one) => one.id === id);
      const one: RegisteredDestination = { registered: area.clock.now(), ...before, id, url, fence };
      return { destinations: [...others, one] };
    },
    signal,
  );
  // The copy of the head at the destination has the list, too.
  await publishHead(area, { backend, url }, signal);
}

export { checkOwner } from './migrated-from.ts';
