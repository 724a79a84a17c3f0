import type { Head, Slot } from '@securestore/core-format';
import { encodeHead, HEAD_NAME, joinHead } from '@securestore/core-format';
import { rawKey, resealSlot, signAs } from '@securestore/crypto';
import { ownerKeys, rootOf } from '../../src/head/unlock/owner-keys.ts';
import { HEAD_USE, loadState } from '../../src/head/store-state.ts';
import { unlockRoot } from '../../src/head/unlock/unlock-root.ts';
import { attack } from './attacker.ts';
import { headAt } from './heads.ts';
import type { Place } from './places.ts';
import { memoryPlace } from './places.ts';
import { createAt, usePlace } from './stores.ts';

const OWN = rawKey(Buffer.alloc(32, 0xee));

/**
 * What somebody makes who can read and write the backend and has no secret: a whole store of their own, with a root key, keys
 * and an identity that they know, which claims to be the one at `place`. It has that one's lineage and slots, but
 * for the root key in their boxes, which is sealed to their public keys anew.
 *
 * @param revise changes the slots before
 */
export async function impostorOf(
  place: Place,
  revise: (slots: Head['slots']) => Head['slots'] = (slots) => slots,
): Promise<Map<string, Buffer>> {
  const victim = await headAt(await place.open());
  const own = usePlace(memoryPlace);
  await createAt(own, { unlock: OWN });
  const backend = await own.open();
  const head = await headAt(backend);
  const state = await loadState(backend, head, await unlockRoot(head, OWN));
  const root = { number: head.rootNumber, key: rootOf(state) };
  const known = revise(victim.slots).filter((slot): slot is Slot => !('raw' in slot));
  const slots = await Promise.all(known.map((slot) => resealSlot(slot, victim.lineage, root)));
  const signed = encodeHead({ ...head, lineage: victim.lineage, slots });
  const forged = await (await attack(own)).copy();
  return forged.set(HEAD_NAME, joinHead(signed, signAs(ownerKeys(state).identity, HEAD_USE, signed)));
}
