import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { Destination } from '../repository/destination.ts';
import { findDestination } from '../repository/destination.ts';
import type { Connected, Places } from './destinations.ts';

/** The way to a destination, which is reached anew after it has failed. */
export class Line {
  readonly location: string;
  readonly #places: Pick<Places, 'connect'>;
  #place: Connected | undefined;
  #id: Uint8Array | undefined;

  /** @param first what it is reached by at first; it is closed with the line */
  constructor(places: Pick<Places, 'connect'>, first: Connected) {
    this.location = first.location;
    this.#places = places;
    this.#place = first;
  }

  /** The id of the destination, once that is known. */
  get id(): Uint8Array | undefined {
    return this.#id;
  }

  /** Nothing else is followed from now on. */
  keepTo(id: Uint8Array): void {
    this.#id = id;
  }

  /**
   * @throws SecureStoreError `UNAVAILABLE` where the destination is not there any more, `ALREADY_EXISTS` where another one is; what connecting
   *   throws
   */
  async reach(signal: AbortSignal): Promise<Pick<Destination, 'backend' | 'location'>> {
    if (this.#place !== undefined) return this.#place;
    const place = await this.#places.connect(this.location, signal);
    try {
      await this.#check(place, signal);
    } catch (error) {
      await place.close().catch(() => undefined);
      throw error;
    }
    this.#place = place;
    return place;
  }

  /** Where the disk is not mounted, or somebody has put something else there, nothing is begun anew. */
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
  async drop(): Promise<void> {
    const place = this.#place;
    this.#place = undefined;
    await place?.close().catch(() => undefined);
  }
}
