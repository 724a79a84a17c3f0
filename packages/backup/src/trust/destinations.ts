import type { StorageBackend } from '@securestore/backend-api';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { FoundDestination } from '../repository/destination.ts';
import { publishHead, findDestination, requireDestination } from '../repository/destination.ts';
import type { Fence, RegisteredDestination } from './registry.ts';
import { changeRegistry, isFenced, registeredAt, registryOf } from './registry.ts';
import { newestOwn } from './key-change-points.ts';
import { withKeysOfNow } from './chain-attestation.ts';
import { knownBackup } from './open-backup.ts';
import type { OpenedBackup } from './opened-backup.ts';
import { namingDestination } from '../repository/errors.ts';

/** A backend that is ready, at a location without credentials. */
export interface Connected {
  readonly backend: StorageBackend;
  readonly location: string;
  /** Closes the backend. */
  close(): Promise<void>;
}

/** How other locations are reached. */
export interface Connect {
  /** Initialises the backend of a location. */
  connect(location: string, signal: AbortSignal | undefined): Promise<Connected>;
  /** The name of a location: absolute, and without credentials. @throws SecureStoreError `INVALID_ARGUMENT` */
  nameOf(location: string): string;
}

/** Whether a name leaves out credentials: with other credentials it may be another location. */
function isHiding(name: string): boolean {
  return name.includes('***');
}

/** The destinations of a store. */
export class Destinations {
  readonly #area: BackupArea;
  readonly #connect: Connect;
  /** Locations as they were given, which may hold credentials, by their names. */
  readonly #given = new Map<string, string>();

  constructor(area: BackupArea, connect: Connect) {
    this.#area = area;
    this.#connect = connect;
  }

  /** The name of a location. @throws SecureStoreError `INVALID_ARGUMENT` */
  nameOf(location: string): string {
    return this.#connect.nameOf(location);
  }

  /** Whether a destination of the store has this name. */
  isRegistered(location: string): boolean {
    return registeredAt(this.#area, location) !== undefined;
  }

  /** Whether something is the location of a destination of the store, and leaves out nothing by which it could be another location. */
  isDestination(location: unknown): boolean {
    if (typeof location !== 'string') return false;
    let name: string;
    try {
      name = this.nameOf(location);
    } catch {
      return false;
    }
    return this.isRegistered(name) && (location === name || !isHiding(name));
  }

  /** The name of a location, which is reached as it was given last: with those credentials, if it is given without. */
  named(location: string): string {
    const name = this.#connect.nameOf(location);
    if (location !== name || !isHiding(name)) this.#given.set(name, location);
    return name;
  }

  async at<T>(
    location: string,
    signal: AbortSignal | undefined,
    body: (connected: { readonly backend: StorageBackend; readonly location: string }) => Promise<T>,
  ): Promise<T> {
    const connected = await this.connect(location, signal);
    try {
      return await body(connected);
    } finally {
      await connected.close();
    }
  }

  /** Initialises the backend of a location for longer use. */
  connect(location: string, signal?: AbortSignal): Promise<Connected> {
    return this.#connect.connect(this.#given.get(location) ?? location, signal);
  }

  /** Opens the backups at a location with the keys of the store. @throws SecureStoreError `NOT_FOUND`, `INTEGRITY`; what the backend throws */
  async opened<T>(
    source: string,
    signal: AbortSignal | undefined,
    body: (backup: OpenedBackup, found: FoundDestination) => Promise<T>,
  ): Promise<T> {
    this.#area.checkOpen();
    // The location of this call is not remembered for others: several locations may have one name, as it has no credentials.
    return this.at(source, signal, ({ backend, location }) =>
      withKeysOfNow(async () => {
        const found = await requireDestination(backend, location, signal);
        return body(await knownBackup(this.#area, found, signal), found);
      }).catch((error: unknown) => {
        throw namingDestination(error, location);
      }),
    );
  }

  /** @throws SecureStoreError `ACCESS_DENIED` if a member backs up to a destination that is not registered */
  checkRegistered(location: string): void {
    if (!this.#area.isMember) return;
    if (this.isRegistered(location)) return;
    throw new SecureStoreError(
      'ACCESS_DENIED',
      `${location} is not a registered destination, and only the owner can register one`,
      { advice: [{ id: 'ask-owner' }, { id: 'register-destination', destination: location }] },
    );
  }

  /**
   * A destination that was moved is known by its id at its new location. A copy of one is refused: changes at the one would never
   * reach the other, and its keys would not be replaced any more.
   *
   * @throws SecureStoreError `CONFLICT` if the same destination is registered at another location, and is still there
   */
  async checkAlone(location: string, backend: StorageBackend, signal: AbortSignal | undefined): Promise<void> {
    const found = await findDestination(backend, location, signal);
    const id = found && asBuffer(found.id).toString('hex');
    const other = registryOf(this.#area).destinations.find((one) => one.id === id && one.location !== location);
    if (other === undefined) return;
    const there = await this.at(other.location, signal, (connected) =>
      findDestination(connected.backend, connected.location, signal),
    );
    if (there === undefined || asBuffer(there.id).toString('hex') !== id) return;
    throw new SecureStoreError(
      'CONFLICT',
      `${location} has a copy of the backups at ${other.location}, which is a destination itself`,
      { advice: [{ id: 'choose-location' }, { id: 'unregister-destination', destination: other.location }] },
    );
  }

  /**
   * Registers a destination that has a snapshot: rotations replace its keys from then on.
   *
   * @param wasRegistered when its snapshot began: if it was unregistered meanwhile, it stays so
   */
  async register(
    location: string,
    backend: StorageBackend,
    signal: AbortSignal | undefined,
    wasRegistered = false,
  ): Promise<void> {
    const found = await findDestination(backend, location, signal);
    if (found === undefined || this.#area.isMember) return;
    const id = asBuffer(found.id).toString('hex');
    const known = registryOf(this.#area).destinations.find((one) => one.id === id && one.location === location);
    if (known !== undefined && isFenced(this.#area, known.fence)) return;
    const fence: Fence = { keyId: this.#area.seals.primaryId, ...(await newestOwn(this.#area, found, signal)) };
    await changeRegistry(
      this.#area,
      (registry) => {
        if (wasRegistered && !registry.destinations.some((one) => one.location === location)) return undefined;
        const others = registry.destinations.filter((one) => one.id !== id);
        const before = registry.destinations.find((one) => one.id === id);
        const one: RegisteredDestination = { registered: this.#area.clock.now(), ...before, id, location, fence };
        return { destinations: [...others, one] };
      },
      signal,
    );
    // The copy of the head at the destination has the list, too.
    await publishHead(this.#area, { backend, location }, signal);
  }
}

/** The dependencies of managing destinations. */
export interface ManagedPorts {
  readonly area: BackupArea;
  readonly destinations: Destinations;
}
