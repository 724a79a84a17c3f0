import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { RetentionSettings } from '../retention/index.ts';
import type { Destination } from '../repository/destination.ts';
import type { FoundPoint } from '../repository/snapshots.ts';

/** The newest point of a destination that the store remembers. */
export interface TrustedTip {
  readonly number: number;
  /** Hex; empty if it could not be read. */
  readonly digest: string;
}

/**
 * The newest point that a destination had when its key was replaced: a former member without the right to back up has the key before.
 * It is in the signed head, so that it holds even if the store is lost.
 */
export interface Fence extends TrustedTip {
  /** Hex of the id of the key version that later points are made with, or with a newer one. */
  readonly keyId: string;
  /** The newest point with the key before; absent if that is the one above. It outlives the other, which only says that keys were replaced. */
  readonly last?: TrustedTip;
}

export const MAX_DESTINATIONS = 64;

/** The head of another instance, as far as that instance got. */
export interface KnownInstance {
  /** Hex. */
  readonly instance: string;
  /** The generation of its last head. */
  readonly generation: number;
}

/**
 * The instances that a store was at the source of each migration, the newest first. In the signed head, so that no member can add one.
 */
export interface MigratedFrom {
  /** Hex of the instance that this holds for: a store that is restored from its backups is another one, and takes nothing over. */
  readonly as: string;
  readonly before: readonly KnownInstance[];
}

/** A destination that the store is backed up to. */
export interface RegisteredDestination {
  /** Hex of the id of the destination. */
  readonly id: string;
  /** Without credentials. */
  readonly url: string;
  /** When it was registered, in milliseconds since 1970. */
  readonly registered: number;
  readonly retention?: RetentionSettings;
  /** The point from which on snapshots must be made with the key of backups that was the newest when this was written. */
  readonly fence?: Fence;
  /** The destination may have the head of one of these until the migrated store replaces it. */
  readonly migratedFrom?: MigratedFrom;
}

/** What a store knows of its backups. */
export interface Registry {
  readonly destinations: readonly RegisteredDestination[];
}

const EMPTY: Registry = { destinations: [] };

/** The URL of a destination is stored as `location`. All other fields are kept, in their order. */
function renamed(entry: object, from: string, to: string): object {
  return Object.fromEntries(Object.entries(entry).map(([name, value]) => [name === from ? to : name, value]));
}

/** @throws SecureStoreError `INTEGRITY` */
function decodeRegistry(bytes: Uint8Array | undefined): Registry {
  if (bytes === undefined) return EMPTY;
  try {
    const { destinations } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { readonly destinations?: unknown };
    if (Array.isArray(destinations)) {
      const entries = destinations as readonly object[];
      return { destinations: entries.map((one) => renamed(one, 'location', 'url') as RegisteredDestination) };
    }
  } catch {
    // As below.
  }
  throw new SecureStoreError('INTEGRITY', 'the list of destinations is damaged');
}

function encodeRegistry(registry: Registry): Buffer {
  if (registry.destinations.length > MAX_DESTINATIONS) {
    throw new SecureStoreError('TOO_LARGE', `a store can have at most ${MAX_DESTINATIONS} destinations`, {
      advice: [{ id: 'unregister-destination' }],
    });
  }
  const destinations = registry.destinations.map((one) => renamed(one, 'url', 'location'));
  return Buffer.from(JSON.stringify({ ...registry, destinations }));
}

/** The destinations of a store, from the list that its head names. @throws SecureStoreError `INTEGRITY` */
export function destinationsIn(list: Uint8Array | undefined): readonly RegisteredDestination[] {
  return decodeRegistry(list).destinations;
}

/** What the store knows of its backups now. */
export function registryOf(area: BackupArea): Registry {
  return decodeRegistry(area.destinations);
}

/** The destination of this name; `undefined` if there is none. */
export function registeredAt(area: BackupArea, url: string): RegisteredDestination | undefined {
  return registryOf(area).destinations.find((one) => one.url === url);
}

/** Changes what the store knows of its backups. @param change `undefined` if nothing is to be changed */
export async function changeRegistry(
  area: BackupArea,
  change: (registry: Registry) => Registry | undefined,
  signal?: AbortSignal,
): Promise<void> {
  await area.changeDestinations((current) => {
    const next = change(decodeRegistry(current));
    return next && encodeRegistry(next);
  }, signal);
}

/** Whether a point was made with an older key than a fence requires, instead of the point that it names or after it. */
export function isBehind(
  fence: Fence | undefined,
  order: ReadonlyMap<string, number>,
  { number, digest, keyId }: Pick<FoundPoint, 'number' | 'digest' | 'keyId'>,
): boolean {
  if (fence === undefined || number < fence.number) return false;
  if (number === fence.number && (fence.digest === '' || digest.toString('hex') === fence.digest)) return false;
  // A member knows no key that was not granted: of what it has, none is newer than the fence then.
  return (order.get(keyId) ?? 0) < (order.get(fence.keyId) ?? Infinity);
}

/**
 * The fence of one destination in a list of destinations, of a store or of a copy of its head; `undefined` if it has none.
 *
 * @throws SecureStoreError `INTEGRITY`
 */
export function fenceIn(list: Uint8Array | undefined, { id }: Pick<Destination, 'id'>): Fence | undefined {
  const label = asBuffer(id).toString('hex');
  return destinationsIn(list).find((one) => one.id === label)?.fence;
}

/** Whether the fence of a destination requires the current key. */
export function isFenced({ seals, hasKeys }: BackupArea, fence: Fence | undefined): boolean {
  return hasKeys && fence?.keyId === seals.primaryId;
}
