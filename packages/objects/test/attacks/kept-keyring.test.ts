import { createHash, createSecretKey } from 'node:crypto';
import {
  decodeKeyring,
  decodeObjectBody,
  encodeHead,
  encodeKeyring,
  generationOf,
  HEAD_NAME,
  joinHead,
  keyringName,
  policyName,
  splitRecord,
  systemContext,
} from '@securestore/core-format';
import type { ObjectBody, Slot } from '@securestore/core-format';
import {
  keyringKey,
  openRecord,
  openSystemBody,
  randomPool,
  rawKey,
  resealSlot,
  sealSystemBody,
  signAs,
  unversioned,
} from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { RotationDepth } from '../../src/index.ts';
import { ownerKeys, rootOf } from '../../src/head/unlock/owner-keys.ts';
import { HEAD_USE, loadState } from '../../src/head/store-state.ts';
import type { StoreState } from '../../src/head/store-state.ts';
import { unlockRoot } from '../../src/head/unlock/unlock-root.ts';
import { memoryAnchor } from '../support/anchors.ts';
import { attack } from '../support/attacker.ts';
import type { Attacker } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { following, headAt } from '../support/heads.ts';
import { memoryPlace } from '../support/places.ts';
import type { Place } from '../support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../support/stores.ts';

// What format edition 1 does not prevent, as docs/threat-model.md says it: the store's signing key is in the keyring and
// is never rotated. The first test is the attack, the second one the remedy.

const NEW = Buffer.alloc(32, 8);
const random = randomPool();

/** What somebody keeps who had the old secret once: everything that it opened. */
interface Kept {
  readonly state: StoreState;
  readonly keyring: Buffer;
  readonly categoryMap: Buffer;
}

async function keep(place: Place): Promise<Kept> {
  const backend = await place.open();
  const head = await headAt(backend);
  const state = await loadState(backend, head, await unlockRoot(head, UNLOCK));
  const open = async (purpose: 'keyring' | 'categoryMap', key: StoreState['keys']['categoryMap']): Promise<Buffer> => {
    const { name = '' } = head.references[purpose] ?? {};
    const context = systemContext(head.instance, generationOf(name) ?? 0, name);
    const body = (await backend.read(name))?.body ?? Buffer.alloc(0);
    return openSystemBody('it', unversioned(key), head.suites, purpose, context, body);
  };
  return {
    state,
    keyring: await open('keyring', keyringKey(rootOf(state))),
    categoryMap: await open('categoryMap', state.keys.categoryMap),
  };
}

/** Makes the next head: the kept keyring under a root key of the attacker's, sealed to the public keys of all slots. */
async function signNext(place: Place, attacker: Attacker, { state, keyring, categoryMap }: Kept): Promise<void> {
  const backend = await place.open();
  const head = await headAt(backend);
  const root = { number: head.rootNumber + 1, key: createSecretKey(Buffer.alloc(32, 0xee)) };
  const known = head.slots.filter((slot): slot is Slot => !('raw' in slot));
  const slots = await Promise.all(known.map(async (slot) => resealSlot(slot, head.lineage, root)));
  const generation = head.generation + 1;
  const put = async (
    purpose: 'keyring' | 'categoryMap',
    plain: Buffer,
    secret: StoreState['keys']['categoryMap'],
  ): Promise<{ name: string; digest: Buffer }> => {
    const name = (purpose === 'keyring' ? keyringName : policyName)(generation, random(16));
    const context = systemContext(head.instance, generation, name);
    const sealed = sealSystemBody({ secret, suite: 1 }, purpose, context, plain, random);
    await attacker.put(name, sealed);
    return { name, digest: createHash('sha256').update(sealed).digest() };
  };
  const references = {
    ...head.references,
    keyring: await put(
      'keyring',
      encodeKeyring({ ...decodeKeyring(keyring), rootNumber: root.number }),
      keyringKey(root.key),
    ),
    categoryMap: await put('categoryMap', categoryMap, state.keys.categoryMap),
  };
  const signed = encodeHead(following(head, { ...head, generation, rootNumber: root.number, slots, references }));
  await attacker.put(HEAD_NAME, joinHead(signed, signAs(ownerKeys(state).identity, HEAD_USE, signed)));
}

/** The objects at a backend that the kept keys open. */
async function opened({ state }: Kept, attacker: Attacker): Promise<ObjectBody[]> {
  const bodies: ObjectBody[] = [];
  for (const name of await attacker.names('o/')) {
    const record = splitRecord(await attacker.get(name));
    try {
      const { primary } = state.keys.category(record.header.categoryId);
      bodies.push(decodeObjectBody(openRecord(record, primary)));
    } catch {
      // Under keys that were not kept.
    }
  }
  return bodies;
}

const textOf = ({ payload }: ObjectBody): string =>
  payload.kind === 'inline' ? Buffer.from(payload.data).toString() : '';

describe.each(['keys', 'data'] as RotationDepth[])(
  'an attacker with a keyring from before a rotation to the depth "%s", who can write to the backend',
  (depth) => {
    // T-REVOKED-06
    it('signs the next manifest, which the anchor accepts, and reads what is stored from then on', async () => {
      const clock = new EagerClock();
      const place = usePlace(() => memoryPlace(() => clock.now()));
      const attacker = await attack(place);
      const kept = await keep((await createAt(place, { clock }), place));
      const anchor = memoryAnchor();
      const before = await openAt(place, { clock, anchor });
      await before.store('before', 'canary-before');
      await before.rotateEncryptionKey(Buffer.alloc(32, 7), NEW, { depth });
      await before.store('since', 'canary-since');
      await before.close();
      expect(await opened(kept, attacker)).toEqual([]);

      await signNext(place, attacker, kept);
      const owner = await openAt(place, { clock, anchor, unlock: rawKey(NEW) });
      await owner.store('later', 'canary-later');
      await owner.close();
      expect((await opened(kept, attacker)).map(textOf)).toEqual(['canary-later']);
      // What was rotated stays closed to the attacker, and is damaged for the owner: this much can be noticed.
      const noticing = await openAt(place, { clock, anchor, unlock: rawKey(NEW) });
      await failure(noticing.retrieve('since'), 'INTEGRITY');
    });
  },
);

// T-REVOKED-07
it('an attacker with a keyring of the store left behind can sign no manifest of the store that replaces it', async () => {
  const clock = new EagerClock();
  const old = usePlace(() => memoryPlace(() => clock.now()));
  const kept = await keep((await createAt(old, { clock }), old));
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const { fingerprint } = await createAt(place, { clock, unlock: rawKey(NEW) });
  const anchor = memoryAnchor();
  const unlock = rawKey(NEW);
  await (await openAt(place, { clock, anchor, unlock, fingerprint })).close();
  await signNext(place, await attack(place), kept);
  await failure(openAt(place, { clock, anchor, unlock }), 'INTEGRITY');
  await failure(openAt(place, { clock, unlock, fingerprint }), 'INTEGRITY');
  await failure(openAt(place, { clock, unlock }), 'INTEGRITY');
});
