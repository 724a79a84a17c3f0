import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';
import { findDestination } from '../repository/destination.ts';
import type { Connected, Destinations } from './destinations.ts';

/** The way to a destination, which is reached anew after it has failed. */
export class ReconnectingDestination {
  readonly location: string;
  readonly #destinations: Pick<Destinations, 'connect'>;
  #connected: Connected | undefined;
  #id: Uint8Array | undefined;

  /** @param first what it is reached by at first; it is closed with the line */
  constructor(destinations: Pick<Destinations, 'connect'>, first: Connected) {
    this.location = first.location;
    this.#destinations = destinations;
    this.#connected = first;
  }

  /** The id of the destination, once that is known. */
  get id(): Uint8Array | undefined {
    return this.#id;
  }

  /** Nothing else is followed from now on. */
  pin(id: Uint8Array): void {
    this.#id = id;
  }

  /**
   * @throws SecureStoreError `UNAVAILABLE` if the destination is not there any more, `ALREADY_EXISTS` if another one is; what connecting
   *   throws
   */
  async connect(signal: AbortSignal): Promise<Pick<Destination, 'backend' | 'location'>> {
    if (this.#connected !== undefined) return this.#connected;
    const connected = await this.#destinations.connect(this.location, signal);
    try {
      await this.#check(connected, signal);
    } catch (error) {
      await connected.close().catch(() => undefined);
      throw error;
    }
    this.#connected = connected;
    return connected;
  }

  /** If the disk is not mounted, or somebody has put something else there, nothing is begun anew. */
  async #check({ backend, location }: Connected, signal: AbortSignal): Promise<void> {
    if (this.#id === undefined) return;
    const found = await findDestination(backend, location, signal);
    if (found === undefined) {
      throw new SecureStoreError(
        'UNAVAILABLE',
        `${location}: the backups that were here are not to be found: see that the disk is mounted, or that the bucket is there`,
      );
    }
    if (asBuffer(this.#id).equals(found.id)) return;
    throw new SecureStoreError(
      'ALREADY_EXISTS',
      `${location}: other backups lie here now than those that were followed`,
    );
  }

  /** Gives up what it is reached by now. */
  async disconnect(): Promise<void> {
    const connected = this.#connected;
    this.#connected = undefined;
    await connected?.close().catch(() => undefined);
  }
}
