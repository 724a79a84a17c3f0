import { keyringName } from '@securestore/core-format';
import { rawKey, resealSlot } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { rootOf } from '../../src/head/unlock/owner-keys.ts';
import { memoryAnchor } from '../support/anchors.ts';
import type { Attacker } from '../support/attacker.ts';
import { attack, flipped } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { headAt } from '../support/heads.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../support/stores.ts';
import { resign, workshop } from '../support/workshop.ts';

// Each of these is a fault that another project had, as far as it takes a whole store to show why ours hasn't. The others are in
// the tests of the crypto package.

const secret = (number: number): Buffer => Buffer.alloc(32, number);
const FRESH_FOR = 5000;

interface Scene {
  readonly clock: EagerClock;
  readonly place: Place;
  readonly attacker: Attacker;
}

async function scene(): Promise<Scene> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  return { clock, place, attacker: await attack(place) };
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A store from which one of two secrets has been taken, with what lay there before. */
async function revoked(): Promise<Scene & { readonly before: ReadonlyMap<string, Buffer> }> {
  const found = await scene();
  const { clock, place, attacker } = found;
  const store = await createAt(place, { clock });
  await store.slots.add(secret(9));
  await store.store('a', 'x');
  const before = await attacker.copy();
  const slots = await store.slots.list();
  await store.slots.remove(slots.find(({ current }) => !current)?.id ?? '');
  await store.rotateEncryptionKey(secret(7), secret(7));
  await store.store('a', 'written since');
  await store.close();
  return { ...found, before };
}

describe('CVE-2026-6550, a key cache that skipped the policy on a hit: whatever a process remembers,', () => {
  it('it opens nothing under keys that others have put out of use, once the head is due to be confirmed', async () => {
    const { clock, place } = await scene();
    const store = await createAt(place, { clock, categories: { pii: ['users/**'] } });
    await store.store('users/1', 'x');
    for (let times = 0; times < 3; times++) await store.retrieve('users/1');
    const other = await openAt(place, { clock });
    await other.encryptionKeys.destroy('pii', { waitingPeriod: 60_000 });
    clock.advance(FRESH_FOR);
    await failure(store.retrieve('users/1'), 'KEY_DESTROYED');
    await failure(store.store('users/1', 'y'), 'KEY_DESTROYED');
  });

  // T-REVOKED-02
  it('it acknowledges no write once others have taken its slot away, and sends none once it knows', async () => {
    const { clock, place, attacker } = await scene();
    const store = await createAt(place, { clock });
    await store.slots.add(secret(8));
    await store.store('a', 'x');
    const other = await openAt(place, { clock, unlock: rawKey(secret(8)) });
    const [first] = await other.slots.list();
    await other.slots.remove(first?.id ?? '');
    await failure(store.store('a', 'y'), 'LOCKED');
    const after = await attacker.copy();
    await failure(store.store('a', 'z'), 'LOCKED');
    await failure(store.delete('a'), 'LOCKED');
    await failure(store.purge('a'), 'LOCKED');
    expect(await attacker.copy()).toEqual(after);
  });

  it('it reads what lies there, and checks all of it each time: another E under the same head, too', async () => {
    const { clock, place, attacker } = await scene();
    const store = await createAt(place, { clock });
    await store.store('a', 'x');
    await store.retrieve('a');
    const name = await attacker.name('o/');
    const whole = await attacker.get(name);
    for (let at = 106; at < 106 + 88; at++) {
      await attacker.put(name, flipped(whole, at));
      await failure(store.retrieve('a'), 'INTEGRITY');
    }
    await attacker.put(name, whole);
    expect((await store.retrieve('a')).text()).toBe('x');
  });

  it('it leaves nothing under a key that others have replaced, of what it remembers and of what it writes', async () => {
    const { clock, place, attacker } = await scene();
    const store = await createAt(place, { clock });
    await store.slots.add(secret(8));
    await store.store('a', 'x');
    const old = (await store.info('a')).keyVersion;
    const other = await openAt(place, { clock, unlock: rawKey(secret(8)) });
    await other.rotateEncryptionKey(secret(8), secret(8));
    // Nothing was there, so it was sealed under what was known, and sent, before the process learned of the rotation.
    await store.store('b', 'new');
    await store.store('a', 'y');
    for (const name of [...(await attacker.names('o/')), ...(await attacker.names('h/'))]) {
      expect((await attacker.get(name)).subarray(106, 114).toString('hex'), name).not.toBe(old);
    }
    expect((await store.history('a')).length).toBe(2);
  });
});

describe('aws-encryption-sdk-javascript PR 1670, two consumers of one stream losing data silently:', () => {
  const BLOCK = 30_000;
  const BLOCKS = 100;

  async function* fromOneBuffer(): AsyncGenerator<Uint8Array> {
    const buffer = Buffer.alloc(BLOCK);
    for (let block = 0; block < BLOCKS; block++) {
      patterned(BLOCK, block + 1).copy(buffer);
      yield buffer;
    }
  }

  const WHOLE = Buffer.concat(Array.from({ length: BLOCKS }, (_, block) => patterned(BLOCK, block + 1)));

  it('what is sealed and what is digested are both all of it, though the source uses one buffer for every block', async () => {
    const { clock, place } = await scene();
    const store = await createAt(place, { clock });
    const { size } = await store.store('a', fromOneBuffer());
    expect(size).toBe(WHOLE.length);
    expect(Buffer.from((await store.retrieve('a')).data).equals(WHOLE)).toBe(true);
    // Decided by the digest alone.
    expect(await store.matches('a', WHOLE)).toBe(true);
    expect(await store.matches('a', fromOneBuffer())).toBe(true);
    expect(await store.matches('a', WHOLE.subarray(0, -1))).toBe(false);
    for (let at = 0; at < WHOLE.length; at += 500_000) {
      expect(await store.matches('a', flipped(WHOLE, at)), `a bit at ${at}`).toBe(false);
    }
  });

  it('two readers of one stream that is retrieved both get all of it, the slow one too', async () => {
    const { clock, place } = await scene();
    const store = await createAt(place, { clock });
    await store.store('a', WHOLE);
    const [fast, slow] = (await store.retrieveStream('a')).stream.tee();
    const first = await readAll(fast);
    const second = await readAll(slow);
    expect([first.equals(WHOLE), second.equals(WHOLE)]).toEqual([true, true]);
  });
});

// T-REVOKED-04
describe('a keyring rolled back to undo a revocation', () => {
  it('opens by no secret in the place of the present one', async () => {
    const { clock, place, attacker, before } = await revoked();
    const [old] = [...before].filter(([name]) => name.startsWith('k/'));
    const now = (await headAt(await place.open())).references.keyring?.name ?? '';
    const kept = await attacker.get(now);
    await attacker.put(now, old?.[1] ?? Buffer.alloc(0));
    await failure(openAt(place, { clock }), 'INTEGRITY');
    await failure(openAt(place, { clock, unlock: rawKey(secret(9)) }), 'UNLOCK_FAILED');
    // Beside it, under its own name, nothing names it.
    await attacker.put(now, kept);
    await attacker.put(old?.[0] ?? keyringName(1, secret(1).subarray(0, 16)), old?.[1] ?? Buffer.alloc(0));
    expect((await (await openAt(place, { clock })).retrieve('a')).text()).toBe('written since');
    await failure(openAt(place, { clock, unlock: rawKey(secret(9)) }), 'UNLOCK_FAILED');
  });

  it('does not bring a category back that is to be destroyed', async () => {
    const { clock, place, attacker } = await scene();
    const store = await createAt(place, { clock, categories: { pii: ['users/**'] } });
    await store.store('users/1', 'x');
    const before = await attacker.get(await attacker.name('k/'));
    // The root key stays, so the old keyring is one that it opens.
    await store.encryptionKeys.destroy('pii');
    await store.close();
    await attacker.put(await attacker.name('k/'), before);
    await failure(openAt(place, { clock }), 'INTEGRITY');
  });

  it('with the head of then is ROLLBACK for whoever has seen the present one, and opens nothing written since', async () => {
    const { clock, place, attacker, before } = await revoked();
    const anchor = memoryAnchor();
    const store = await openAt(place, { clock, anchor });
    const since = await attacker.get(await attacker.name('o/'));
    await attacker.restore(before);
    await attacker.put(await attacker.name('o/'), since);
    clock.advance(FRESH_FOR);
    await failure(store.retrieve('a'), 'ROLLBACK');
    await store.close();
    await failure(openAt(place, { clock, anchor }), 'ROLLBACK');
    const restored = await openAt(place, { clock, unlock: rawKey(secret(9)) });
    await failure(restored.retrieve('a'), 'INTEGRITY');
  });
});

describe('sealing by anyone to a public key:', () => {
  it('a store of a stranger, in which the slot of the owner holds a root of theirs, is not opened', async () => {
    const { clock, place, attacker } = await scene();
    await (await createAt(place, { clock })).close();
    const owner = (await headAt(await place.open())).slots[0];
    if (owner === undefined || 'raw' in owner) throw new Error('no slot');
    // The stranger makes a store, and seals its root to the public key of the owner's slot, which everybody can read.
    const strange = await workshop();
    await strange.store.store('a', 'made by a stranger');
    const { head } = strange.state;
    const root = { number: head.rootNumber, key: rootOf(strange.state) };
    await resign(strange, { slots: [await resealSlot(owner, head.lineage, root)] });
    await attacker.restore(await (await attack(strange.place)).copy());
    await failure(openAt(place, { clock }), 'UNLOCK_FAILED');
  });
});
