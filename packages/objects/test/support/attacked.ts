import type { ObjectStore } from '../../src/index.ts';
import type { Attacker } from './attacker.ts';
import { attack } from './attacker.ts';
import { EagerClock } from './eager-clock.ts';
import type { Place } from './places.ts';
import { memoryPlace } from './places.ts';
import { createAt, usePlace } from './stores.ts';

/** A store, and somebody who has its backend. */
export interface Attacked {
  readonly place: Place;
  readonly clock: EagerClock;
  readonly store: ObjectStore;
  readonly attacker: Attacker;
}

export async function attacked(): Promise<Attacked> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  return { place, clock, store: await createAt(place, { clock }), attacker: await attack(place) };
}
