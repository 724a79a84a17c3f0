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

/** A backend that is ready, at a location without credentials. */
export interface Connected {
  readonly backend: StorageBackend;
  readonly location: string;
  /** Closes the backend. */
  close(): Promise<void>;
}

/** How other places are reached. */
export interface Connect {
  /** Gets the backend of a location ready. */
  connect(location: string, signal: AbortSignal | undefined): Promise<Connected>;
  /** What a location is called from anywhere, without credentials. @throws SecureStoreError `INVALID_ARGUMENT` */
  nameOf(location: string): string;
}

/** Whether a name stands for a location with credentials, which it leaves out: with others it may be that of another place. */
function isHiding(name: string): boolean {
  return name.includes('***');
}

/** The places at which a store is backed up. */
export class Destinations {
  readonly #area: BackupArea;
  readonly #connect: Connect;
  /** Locations as they were given, which may hold credentials, by their names. */
  readonly #given = new Map<string, string>();

  constructor(area: BackupArea, connect: Connect) {
    this.#area = area;
    this.#connect = connect;
  }

  /** What a location is called from anywhere. @throws SecureStoreError `INVALID_ARGUMENT` */
  nameOf(location: string): string {
    return this.#connect.nameOf(location);
  }

  /** Whether something of this name is a destination of the store. */
  isRegistered(location: string): boolean {
    return registeredAt(this.#area, location) !== undefined;
  }

  /** Whether something is the location of a destination of the store, and leaves nothing out by which it could be another place. */
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

  /** What a location is called from anywhere. It is reached as it was given last; with the credentials from then where it is said without. */
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

  /** Gets a place ready that is used for longer. */
  connect(location: string, signal?: AbortSignal): Promise<Connected> {
    return this.#connect.connect(this.#given.get(location) ?? location, signal);
  }

  /** The backups at a place, by the keys of the store. @throws SecureStoreError `NOT_FOUND`, `INTEGRITY`; what the backend throws */
  async opened<T>(
    source: string,
    signal: AbortSignal | undefined,
    body: (backup: OpenedBackup, found: FoundDestination) => Promise<T>,
  ): Promise<T> {
    this.#area.checkOpen();
    // Looking somewhere says nothing of how it is reached by others: several places may have one name, as it has no credentials.
    return this.at(source, signal, ({ backend, location }) =>
      withKeysOfNow(async () => {
        const found = await requireDestination(backend, location, signal);
        return body(await knownBackup(this.#area, found, signal), found);
      }),
    );
  }

  /** @throws SecureStoreError `ACCESS_DENIED` if a member would be the first to back up somewhere */
  checkRegistered(location: string): void {
    if (!this.#area.isMember) return;
    if (this.isRegistered(location)) return;
    throw new SecureStoreError(
      'ACCESS_DENIED',
      `${location} is no registered destination: only whoever unlocks the whole store can register it, so that it follows the keys`,
    );
  }

  /**
   * A destination that was moved is known by its id at its new place. A copy of one is none: what the one was told the other would never
   * hear of, and no keys would be replaced there any more.
   *
   * @throws SecureStoreError `CONFLICT` if the same destination is registered at another place, and still lies there
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
      `${location}: a copy of ${other.location} lies here, which is a destination itself. Back up to an empty place; or unregister ` +
        `${other.location}, if this is to take its place`,
    );
  }

  /**
   * A destination that has a snapshot follows the keys of the store from then on.
   *
   * @param wasRegistered it was when its snapshot was begun: whoever has unregistered it meanwhile meant it
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
    // The list is among what a copy of the head has.
    await publishHead(this.#area, { backend, location }, signal);
  }
}

/** What destinations are managed with. */
export interface ManagedPorts {
  readonly area: BackupArea;
  readonly destinations: Destinations;
}
