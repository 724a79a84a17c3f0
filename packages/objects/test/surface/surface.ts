import type { SecureStorage } from '../../src/index.ts';
import type { Place } from '../support/places.ts';
import { PLACES } from '../support/places.ts';
import type { Extras } from '../support/stores.ts';
import { createAt, openAt } from '../support/stores.ts';

/** A store as a suite works with it. */
export type SurfaceStore = SecureStorage & { close(): Promise<void> };

/** One way of using a store: what the suites of the surface run over, each the same for all of them. */
export interface Surface {
  readonly places: readonly (readonly [string, () => Place])[];
  /** How many random cases there are, for each that a store in this process is given. */
  readonly share: number;
  /** How many clients there are where several change the same objects. */
  readonly clients: number;
  /** How many entries of a listing are read before they are asked for, at most. */
  readonly prefetched: number;
  /** Whether data to store are read before it is known whether a condition holds. */
  readonly readsAhead: boolean;
  /** A new store. */
  createAt(place: Place, extras?: Extras): Promise<SurfaceStore>;
  /** The store that is there, as another process has it. */
  openAt(place: Place, extras?: Extras): Promise<SurfaceStore>;
}

/** Stores in this process, over every kind of backend that there is without a server. */
export const embedded: Surface = {
  places: PLACES,
  share: 1,
  clients: 4,
  prefetched: 8,
  readsAhead: false,
  createAt,
  openAt,
};
