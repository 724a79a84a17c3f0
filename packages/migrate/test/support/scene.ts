import type { ObjectStore } from '@securestore/objects';
import type { Attacker } from '../../../objects/test/support/attacker.ts';
import { attack, flipped } from '../../../objects/test/support/attacker.ts';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type { Place } from '../../../objects/test/support/places.ts';
import { memoryPlace } from '../../../objects/test/support/places.ts';
import { createAt, patterned, usePlace } from '../../../objects/test/support/stores.ts';

/** A store that is to move, and somebody who has the backends of both places. */
export interface Scene {
  readonly clock: EagerClock;
  readonly from: Place;
  readonly to: Place;
  readonly store: ObjectStore;
  readonly atFrom: Attacker;
  readonly atTo: Attacker;
}

/** A store with a large object of so many bytes, and a small one. */
export async function sceneWith(
  large: number,
  options: { readonly categories?: Readonly<Record<string, readonly string[]>> } = {},
): Promise<Scene> {
  const clock = new EagerClock();
  const memoryAt = (): Place => usePlace(() => memoryPlace(() => clock.now()));
  const [from, to] = [memoryAt(), memoryAt()];
  const store = await createAt(from, { ...options, clock });
  await store.store('large', patterned(large, 3));
  await store.store('small', 'value');
  return { clock, from, to, store, atFrom: await attack(from), atTo: await attack(to) };
}

/** Damages something, and leaves its size as it is. */
export async function damage(attacker: Attacker, name: string, at = 5000): Promise<void> {
  await attacker.put(name, flipped(await attacker.get(name), at));
}
