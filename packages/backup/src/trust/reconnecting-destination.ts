import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';
import { findDestination } from '../repository/destination.ts';
import type { Connected, Destinations } from './destinations.ts';

/** The connection to a destination, which is made again after a failure. */
export class ReconnectingDestination {
  readonly url: string;
  readonly #destinations: Pick<Destinations, 'connect'>;
  #connected: Connected | undefined;
  #id: Uint8Array | undefined;

  /** @param first the first connection; it is closed by this class */
  constructor(destinations: Pick<Destinations, 'connect'>, first: Connected) {
    this.url = first.url;
    this.#destinations = destinations;
    this.#connected = first;
  }

  /** The id of the destination, once that is known. */
  get id(): Uint8Array | undefined {
    return this.#id;
  }

  /** From now on only the destination with this id is accepted. */
  pin(id: Uint8Array): void {
    this.#id = id;
  }

  /**
   * @throws SecureStoreError `UNAVAILABLE` if the destination has disappeared, `ALREADY_EXISTS` if another one is there; what connecting
   *   throws
   */
  async connect(signal: AbortSignal): Promise<Pick<Destination, 'backend' | 'url'>> {
    if (this.#connected !== undefined) return this.#connected;
    const connected = await this.#destinations.connect(this.url, signal);
    try {
      await this.#check(connected, signal);
    } catch (error) {
      await connected.close().catch(() => undefined);
      throw error;
    }
    this.#connected = connected;
    return connected;
  }

  /** If the disk is not mounted, or another backup was put there, no new backup is begun. */
  async #check({ backend, url }: Connected, signal: AbortSignal): Promise<void> {
    if (this.#id === undefined) return;
    const found = await findDestination(backend, url, signal);
    if (found === undefined) {
      throw new SecureStoreError('UNAVAILABLE', `the backups at ${url} have disappeared`, {
        advice: [{ id: 'check-store-url', url }],
      });
    }
    if (asBuffer(this.#id).equals(found.id)) return;
    throw new SecureStoreError('ALREADY_EXISTS', `${url} has other backups than when the continuous backup began`, {
      advice: [{ id: 'check-writers', url }],
    });
  }

  /** Closes the present connection. */
  async disconnect(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await connected?.close().catch(() => undefined);
  }
}
