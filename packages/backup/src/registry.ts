import { SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects';
import type { RetentionSettings } from './retain.ts';

const MAX_DESTINATIONS = 64;
const MAX_SCHEDULES = 64;

/** A place that the store is backed up to. */
export interface RegisteredDestination {
  /** Hex of the id of the destination. */
  readonly id: string;
  /** Without credentials. */
  readonly location: string;
  /** When it was registered, in milliseconds since 1970. */
  readonly registered: number;
  readonly retention?: RetentionSettings;
}

/** When a destination is backed up to, or something else is done with it. */
export interface RegisteredSchedule {
  readonly id: string;
  readonly cron: string;
  readonly timeZone?: string;
  /** Milliseconds. */
  readonly jitter?: number;
  readonly paused?: boolean;
  readonly task: 'backup' | 'verify' | 'drill' | 'retention';
  readonly destination: string;
}

/** What a store knows of its backups. */
export interface Registry {
  readonly destinations: readonly RegisteredDestination[];
  readonly schedules: readonly RegisteredSchedule[];
}

const EMPTY: Registry = { destinations: [], schedules: [] };

/** @throws SecureStoreError `INTEGRITY` */
function decodeRegistry(bytes: Uint8Array | undefined): Registry {
  if (bytes === undefined) return EMPTY;
  try {
    const parsed = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<Registry>;
    if (Array.isArray(parsed.destinations) && Array.isArray(parsed.schedules)) return parsed as Registry;
  } catch {
    // As below.
  }
  throw new SecureStoreError('INTEGRITY', 'the list of destinations of backups is damaged');
}

function encodeRegistry(registry: Registry): Buffer {
  if (registry.destinations.length > MAX_DESTINATIONS || registry.schedules.length > MAX_SCHEDULES) {
    throw new SecureStoreError(
      'TOO_LARGE',
      `a store may have at most ${MAX_DESTINATIONS} destinations and ${MAX_SCHEDULES} schedules of backups`,
    );
  }
  return Buffer.from(JSON.stringify(registry));
}

/** What the store knows of its backups now. */
export function registryOf(area: BackupArea): Registry {
  return decodeRegistry(area.destinations);
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
