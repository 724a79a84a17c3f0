import type { StorageBackend } from '@securestore/backend-api';
import { lazyPart, SecureStoreError } from '@securestore/core-format';
import type { BackupArea } from '@securestore/objects/internal';
import type { FoundDestination } from '../repository/destination.ts';
import { registeredAt } from './registry.ts';
import type { OpenedBackup } from './opened-backup.ts';

const loadWork = lazyPart('backups', () => import('./destination-work.ts'));

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
    const { openAt } = await loadWork();
    // The store URL of this call is not remembered for others: several store URLs may have one name, as it has no credentials.
    return this.at(source, signal, (connected) => openAt(this.#area, connected, signal, body));
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
   * Checks that no other destination of the store is a copy of this one, and that it was not lost.
   *
   * @param begins whether the caller wants a destination there, if nothing is
   * @throws SecureStoreError `CONFLICT` if the same destination is registered at another store URL, and is still there; `NOT_FOUND` if the
   *   one that is registered at this store URL is not there
   */
  async checkAlone(
    url: string,
    backend: StorageBackend,
    signal: AbortSignal | undefined,
    begins = false,
  ): Promise<void> {
    const { checkAlone } = await loadWork();
    await checkAlone(this.#area, { backend, url }, (other, visit) => this.at(other, signal, visit), begins, signal);
  }

  /**
   * Checks that a destination has no backups of another store, or of another copy of this one.
   *
   * @param takeOver whether those of the store that this one was restored from may become its own
   * @throws SecureStoreError `ALREADY_EXISTS`, `CONFLICT`; what the backend throws
   */
  async checkOwner(
    url: string,
    backend: StorageBackend,
    takeOver: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { checkOwner } = await loadWork();
    await checkOwner(this.#area, { backend, url }, takeOver, signal);
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
    const { register } = await loadWork();
    await register(this.#area, { backend, url }, signal, wasRegistered);
  }
}

/** The dependencies of managing destinations. */
export interface ManagedPorts {
  readonly area: BackupArea;
  readonly destinations: Destinations;
}
