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

/** A backend that is ready, at a store URL without credentials. */
export interface Connected {
  readonly backend: StorageBackend;
  readonly url: string;
  /** Closes the backend. */
  close(): Promise<void>;
}

/** How other store URLs are reached. */
export interface Connect {
  /** Initialises the backend of a store URL. */
  connect(url: string, signal: AbortSignal | undefined): Promise<Connected>;
  /** The name of a store URL: absolute, and without credentials. @throws SecureStoreError `INVALID_ARGUMENT` */
  nameOf(url: string): string;
}

/** Whether a name leaves out credentials: with other credentials it may be another store URL. */
function isHiding(name: string): boolean {
  return name.includes('***');
}

/** The destinations of a store. */
export class Destinations {
  readonly #area: BackupArea;
  readonly #connect: Connect;
  /** Store URLs as they were given, which may hold credentials, by their names. */
  readonly #given = new Map<string, string>();

  constructor(area: BackupArea, connect: Connect) {
    this.#area = area;
    this.#connect = connect;
  }

  /** The name of a store URL. @throws SecureStoreError `INVALID_ARGUMENT` */
  nameOf(url: string): string {
    return this.#connect.nameOf(url);
  }

  /** Whether a destination of the store has this name. */
  isRegistered(url: string): boolean {
    return registeredAt(this.#area, url) !== undefined;
  }

  /** Whether something is the URL of a destination of the store, and leaves out nothing by which it could be another store URL. */
  isDestination(url: unknown): boolean {
    if (typeof url !== 'string') return false;
    let name: string;
    try {
      name = this.nameOf(url);
    } catch {
      return false;
    }
    return this.isRegistered(name) && (url === name || !isHiding(name));
  }

  /** The name of a store URL, which is reached as it was given last: with those credentials, if it is given without. */
  named(url: string): string {
    const name = this.#connect.nameOf(url);
    if (url !== name || !isHiding(name)) this.#given.set(name, url);
    return name;
  }

  async at<T>(
    url: string,
    signal: AbortSignal | undefined,
    body: (connected: { readonly backend: StorageBackend; readonly url: string }) => Promise<T>,
  ): Promise<T> {
    const connected = await this.connect(url, signal);
    try {
      return await body(connected);
    } finally {
      await connected.close();
    }
  }

  /** Initialises the backend of a store URL for longer use. */
  connect(url: string, signal?: AbortSignal): Promise<Connected> {
    return this.#connect.connect(this.#given.get(url) ?? url, signal);
  }

  /** Opens the backups at a destination with the keys of the store. @throws SecureStoreError `NOT_FOUND`, `INTEGRITY`; what the backend throws */
  async opened<T>(
    source: string,
    signal: AbortSignal | undefined,
    body: (backup: OpenedBackup, found: FoundDestination) => Promise<T>,
  ): Promise<T> {
    this.#area.checkOpen();
    // The store URL of this call is not remembered for others: several store URLs may have one name, as it has no credentials.
    return this.at(source, signal, ({ backend, url }) =>
      withKeysOfNow(async () => {
        const found = await requireDestination(backend, url, signal);
        return body(await knownBackup(this.#area, found, signal), found);
      }).catch((error: unknown) => {
        throw namingDestination(error, url);
      }),
    );
  }

  /** @throws SecureStoreError `ACCESS_DENIED` if a member backs up to a destination that is not registered */
  checkRegistered(url: string): void {
    if (!this.#area.isMember) return;
    if (this.isRegistered(url)) return;
    throw new SecureStoreError(
      'ACCESS_DENIED',
      `${url} is not a registered destination, and only the owner can register one`,
      { advice: [{ id: 'ask-owner' }, { id: 'register-destination', destination: url }] },
    );
  }

  /**
   * A destination that was moved is known by its id at its new URL. A copy of one is refused: changes at the one would never
   * reach the other, and its keys would not be replaced any more.
   *
   * @throws SecureStoreError `CONFLICT` if the same destination is registered at another store URL, and is still there
   */
  async checkAlone(url: string, backend: StorageBackend, signal: AbortSignal | undefined): Promise<void> {
    const found = await findDestination(backend, url, signal);
    const id = found && asBuffer(found.id).toString('hex');
    const other = registryOf(this.#area).destinations.find((one) => one.id === id && one.url !== url);
    if (other === undefined) return;
    const there = await this.at(other.url, signal, (connected) =>
      findDestination(connected.backend, connected.url, signal),
    );
    if (there === undefined || asBuffer(there.id).toString('hex') !== id) return;
    throw new SecureStoreError(
      'CONFLICT',
      `${url} has a copy of the backups at ${other.url}, which is a destination itself`,
      { advice: [{ id: 'choose-store-url' }, { id: 'unregister-destination', destination: other.url }] },
    );
  }

  /**
   * Registers a destination that has a snapshot: rotations replace its keys from then on.
   *
   * @param wasRegistered when its snapshot began: if it was unregistered meanwhile, it stays so
   */
  async register(
    url: string,
    backend: StorageBackend,
    signal: AbortSignal | undefined,
    wasRegistered = false,
  ): Promise<void> {
    const found = await findDestination(backend, url, signal);
    if (found === undefined || this.#area.isMember) return;
    const id = asBuffer(found.id).toString('hex');
    const known = registryOf(this.#area).destinations.find((one) => one.id === id && one.url === url);
    if (known !== undefined && isFenced(this.#area, known.fence)) return;
    const fence: Fence = { keyId: this.#area.seals.primaryId, ...(await newestOwn(this.#area, found, signal)) };
    await changeRegistry(
      this.#area,
      (registry) => {
        if (wasRegistered && !registry.destinations.some((one) => one.url === url)) return undefined;
        const others = registry.destinations.filter((one) => one.id !== id);
        const before = registry.destinations.find((one) => one.id === id);
        const one: RegisteredDestination = { registered: this.#area.clock.now(), ...before, id, url, fence };
        return { destinations: [...others, one] };
      },
      signal,
    );
    // The copy of the head at the destination has the list, too.
    await publishHead(this.#area, { backend, url }, signal);
  }
}

/** The dependencies of managing destinations. */
export interface ManagedPorts {
  readonly area: BackupArea;
  readonly destinations: Destinations;
}
