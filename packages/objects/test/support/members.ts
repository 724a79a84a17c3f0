import type { UnlockSecretMethod } from '@securestore/crypto';
import { generateIdentity, identity, recipientOf } from '@securestore/crypto';
import type { Layer } from '@securestore/backend-api';
import type { GrantOptions, ObjectStore, StoreSettings } from '../../src/index.ts';
import type { Attacker } from './attacker.ts';
import { attack } from './attacker.ts';
import { EagerClock } from './eager-clock.ts';
import type { Place } from './places.ts';
import { memoryPlace } from './places.ts';
import { createAt, openAt, usePlace } from './stores.ts';

/** Somebody who can be made a member. */
export interface Person {
  readonly unlock: UnlockSecretMethod;
  readonly recipient: string;
}

export async function person(): Promise<Person> {
  const text = generateIdentity();
  return { unlock: identity(text), recipient: await recipientOf(text) };
}

/** A store with the categories red, blue and default, of which time passes only while somebody waits. */
export interface Club {
  readonly clock: EagerClock;
  readonly place: Place;
  readonly owner: ObjectStore;
  readonly attacker: Attacker;
  /** Makes somebody a member. */
  readonly join: (name: string, grant: GrantOptions) => Promise<Person>;
  /** Opens the store as a member, who knows its fingerprint. */
  readonly enter: (member: Person, layers?: readonly Layer[]) => Promise<ObjectStore>;
}

export async function club(
  settings: Partial<StoreSettings> & { readonly layers?: readonly Layer[] } = {},
): Promise<Club> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const categories = { red: ['red/**'], blue: ['blue/**'] };
  const owner = await createAt(place, { clock, categories, ...settings });
  return {
    clock,
    place,
    owner,
    attacker: await attack(place),
    async join(name, grant) {
      const someone = await person();
      await owner.members.add(name, someone.recipient, grant);
      return someone;
    },
    enter: ({ unlock }, layers = []) => openAt(place, { unlock, clock, layers, fingerprint: owner.fingerprint }),
  };
}
