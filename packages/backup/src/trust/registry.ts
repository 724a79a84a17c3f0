import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { Fence } from './known-tip.ts';
import type { RetentionSettings } from '../retention/index.ts';

const MAX_DESTINATIONS = 64;

/** A place that the store is backed up to. */
export interface RegisteredDestination {
  /** Hex of the id of the destination. */
  readonly id: string;
  /** Without credentials. */
  readonly location: string;
  /** When it was registered, in milliseconds since 1970. */
  readonly registered: number;
  readonly retention?: RetentionSettings;
  /** From where on snapshots have to be made with the key of backups that was the newest when this was written. */
  readonly fence?: Fence;
}

/** What a store knows of its backups. */
export interface Registry {
  readonly destinations: readonly RegisteredDestination[];
}

const EMPTY: Registry = { destinations: [] };

/** @throws SecureStoreError `INTEGRITY` */
function decodeRegistry(bytes: Uint8Array | undefined): Registry {
  if (bytes === undefined) return EMPTY;
  try {
    const parsed = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Registry>;
    if (Array.isArray(parsed.destinations)) return { destinations: parsed.destinations };
  } catch {
    // As below.
  }
  throw new SecureStoreError('INTEGRITY', 'the list of destinations of backups is damaged');
}

function encodeRegistry(registry: Registry): Buffer {
  if (registry.destinations.length > MAX_DESTINATIONS) {
    throw new SecureStoreError('TOO_LARGE', `a store may have at most ${MAX_DESTINATIONS} destinations of backups`);
  }
  return Buffer.from(JSON.stringify(registry));
}

/** Where a store is backed up, by the list that its head names. @throws SecureStoreError `INTEGRITY` */
export function destinationsIn(list: Uint8Array | undefined): readonly RegisteredDestination[] {
  return decodeRegistry(list).destinations;
}

/** What the store knows of its backups now. */
export function registryOf(area: BackupArea): Registry {
  return decodeRegistry(area.destinations);
}

/** What the store knows of a place, by its name; `undefined` where it is no destination. */
export function registeredAt(area: BackupArea, location: string): RegisteredDestination | undefined {
  return registryOf(area).destinations.find((one) => one.location === location);
}

/** Changes what the store knows of its backups. @param change `undefined` where nothing is to be changed */
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
