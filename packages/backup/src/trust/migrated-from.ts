import type { Head } from '@securestore/core-format';
import { asBuffer } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import type { BackupArea, CopiedHead } from '@securestore/objects/internal';
import { extensionsOf, isGenuineCopy, isInstance, isSameStore } from '@securestore/objects/internal';
import type { Destination, FoundDestination } from '../repository/destination.ts';
import type { Owner } from '../repository/destination.ts';
import { checkOwned, findDestination, headOf, ownerOf, publishHead, replaceHead } from '../repository/destination.ts';
import type { FoundPoint } from '../repository/snapshots.ts';
import type { KnownInstance, MigratedFrom, RegisteredDestination } from './registry.ts';
import { changeRegistry, destinationsIn, registryOf } from './registry.ts';

/** How many migrations in a row are remembered for a destination that was not reached after any of them. */
const MAX_BEFORE = 8;

const hex = (id: Uint8Array): string => asBuffer(id).toString('hex');

/** Whether a list of destinations names any. @throws SecureStoreError `INTEGRITY` */
export function hasDestinations(list: Uint8Array | undefined): boolean {
  return destinationsIn(list).length > 0;
}

/**
 * Has a store remember, in its signed head, which instance it was before it migrated: rotations and changes that take access away may then
 * replace what that instance has left at its destinations, and so may backups. Without this, backups there need `takeOver`.
 *
 * @param store the migrated store, at its target
 * @param left the last head at the source
 * @throws SecureStoreError `ACCESS_DENIED` for a member; `CONFLICT`, `LOCKED`; what the backend throws
 */
export async function rememberMigration(store: ObjectStore, left: Head, signal?: AbortSignal): Promise<void> {
  const { backup: area } = extensionsOf(store);
  const { head } = area;
  // The store may have left the target, and may have come back since, as another instance.
  if (left.state !== 'moved' || !isSameStore(left, head) || left.migration === undefined) return;
  if (hex(left.migration.instance) !== hex(head.instance)) return;
  const [as, source] = [hex(head.instance), hex(left.instance)];
  await changeRegistry(
    area,
    ({ destinations }) => {
      if (destinations.every(({ migratedFrom }) => migratedFrom?.as === as)) return undefined;
      const next = destinations.map((one) => {
        if (one.migratedFrom?.as === as) return one;
        const earlier = one.migratedFrom?.as === source ? one.migratedFrom.before : [];
        const before: KnownInstance[] = [{ instance: source, generation: left.generation }, ...earlier];
        return { ...one, migratedFrom: { as, before: before.slice(0, MAX_BEFORE) } satisfies MigratedFrom };
      });
      return { destinations: next };
    },
    signal,
  );
}

/** The note of the migration to this instance; `undefined` if the store did not migrate. */
function originOf(area: BackupArea, isIt: (one: RegisteredDestination) => boolean): MigratedFrom | undefined {
  const from = registryOf(area).destinations.find(isIt)?.migratedFrom;
  return from?.as === hex(area.head.instance) ? from : undefined;
}

/** The instances before this one: a destination may still have the head of one of them. */
function sourcesOf(area: BackupArea, { id }: Pick<Destination, 'id'>): readonly KnownInstance[] {
  return originOf(area, (one) => one.id === hex(id))?.before ?? [];
}

/** Whether a point was made before the migration of this store. */
export function isOfSource(
  area: BackupArea,
  destination: Pick<Destination, 'id'>,
  point: Pick<FoundPoint, 'instance'>,
): boolean {
  return sourcesOf(area, destination).some(({ instance }) => instance === hex(point.instance));
}

/**
 * Whether a destination of a migrated store has a genuine head of the store as it was before. It must not be newer than the one with which
 * the store migrated: then the store was opened again at the source.
 */
function isFromBefore(area: BackupArea, found: FoundDestination, there: Head): boolean {
  const isKnown = sourcesOf(area, found).some(
    ({ instance, generation }) => instance === hex(there.instance) && there.generation <= generation,
  );
  return isKnown && isSameStore(there, area.head) && isGenuineCopy(found.keys);
}

/**
 * Whether a destination is that of this instance. If it still has the head of a migrated store's source, that head is replaced first.
 *
 * @throws SecureStoreError what the backend throws
 */
export async function isOwnOrTaken(
  area: BackupArea,
  found: FoundDestination,
  copied: CopiedHead,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const there = headOf(found);
  if (isInstance(there, area.head)) return true;
  if (!isFromBefore(area, found, there)) return false;
  await replaceHead(found, copied, signal);
  return true;
}

/** Tells which store the backups at a destination are of; of a migrated store, those of its source are its own. @throws SecureStoreError as {@link ownerOf} */
export function ownerAt(area: BackupArea, found: FoundDestination): Owner {
  const there = headOf(found);
  const owner = ownerOf(found.url, there, area.head);
  return owner !== 'self' && isFromBefore(area, found, there) ? 'self' : owner;
}

/**
 * Checks that a backup to a destination would not take the backups of another copy of the store, before anything is written.
 *
 * @throws SecureStoreError `ALREADY_EXISTS`, `CONFLICT`; what the backend throws
 */
export async function checkOwner(
  area: BackupArea,
  { backend, url }: Pick<Destination, 'backend' | 'url'>,
  takeOver: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await findDestination(backend, url, signal);
  if (found !== undefined) checkOwned(url, ownerAt(area, found), takeOver);
}

/**
 * Writes the current head of the store to a destination, as {@link publishHead}, also to one that has the head of a former source: the
 * head of the store names one instance before this one, which is another if the store came back, or migrated twice.
 *
 * @throws SecureStoreError as {@link publishHead}
 */
export async function publishOverMigrated(
  area: BackupArea,
  target: Pick<FoundDestination, 'backend' | 'url'>,
  signal: AbortSignal | undefined,
  takeOver = false,
): ReturnType<typeof publishHead> {
  const { backend, url } = target;
  if (originOf(area, (one) => one.url === url) !== undefined) {
    const found = await findDestination(backend, url, signal);
    if (found !== undefined) await isOwnOrTaken(area, found, await area.copyHead(signal), signal);
  }
  return publishHead(area, target, signal, takeOver);
}
