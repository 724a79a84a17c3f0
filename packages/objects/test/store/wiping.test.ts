import { createFaultInjector } from '@securestore/backend-api';
import { HEAD_NAME, KEY_ID_LENGTH, KEY_LENGTH } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import { generateIdentity, identity, keyWrapper, randomPool, rawKey } from '@securestore/crypto';
import { memoryKeyService } from '@securestore/crypto/testing';
import { describe, expect, it, vi } from 'vitest';
import type { SlotKeyPair } from '../../../crypto/src/unlock/slot-key-pair.ts';
import { openSealedBox } from '../../../crypto/src/primitives/sealed-box.ts';
import { slotKeyPair } from '../../../crypto/src/unlock/slot-key-pair.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { reviseHead } from '../support/heads.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';
import { extensionsOf } from '../../src/internal.ts';

const secret = (number: number): Buffer => Buffer.alloc(KEY_LENGTH, number);

const noDisk = async (): Promise<never> => {
  throw new Error('no disk');
};

const UNWRITABLE = { read: noDisk, write: noDisk };

/** So long that the head is read anew, in milliseconds. */
const STALE = 5500;

const isWiped = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

vi.mock(import('../../../crypto/src/unlock/slot-key-pair.ts'), async (original) => {
  const module = await original();
  return { ...module, slotKeyPair: vi.fn(module.slotKeyPair) };
});

vi.mock(import('../../../crypto/src/primitives/sealed-box.ts'), async (original) => {
  const module = await original();
  return { ...module, openSealedBox: vi.fn(module.openSealedBox) };
});

/** How many private keys of slots have been derived from now on, and are still in memory. */
function watchSlotKeys(): () => { readonly derived: number; readonly left: number } {
  const { results } = vi.mocked(slotKeyPair).mock;
  const before = results.length;
  return () => {
    const keys = results.slice(before).map(({ value }) => (value as SlotKeyPair).privateKey);
    return { derived: keys.length, left: keys.filter((key) => !isWiped(key)).length };
  };
}

async function damage(place: Place, area: string, body: string | undefined): Promise<void> {
  const backend = await place.open();
  for (const name of await (await attack(place)).names(area)) {
    if (body === undefined) await backend.delete(name);
    else await backend.write(name, Buffer.from(body));
  }
}

const UNOPENABLE: readonly (readonly [string, ErrorCode, (place: Place) => Promise<void>])[] = [
  ['keyring is missing', 'INTEGRITY', (place) => damage(place, 'k/', undefined)],
  ['category map is damaged', 'INTEGRITY', (place) => damage(place, 'p/', 'x')],
  ['head has moved', 'LOCKED', (place) => reviseHead(place, (head) => ({ ...head, state: 'moved' }))],
  ['head is that of a drill', 'LOCKED', (place) => reviseHead(place, (head) => ({ ...head, state: 'scratch' }))],
];

/** The private keys that boxes are opened with from now on. */
function watchBoxKeys(): () => { readonly used: number; readonly left: number } {
  const { calls } = vi.mocked(openSealedBox).mock;
  const before = calls.length;
  return () => {
    const keys = calls.slice(before).map(([, , , privateKey]) => privateKey);
    return { used: keys.length, left: keys.filter((key) => !isWiped(key)).length };
  };
}

describe('private keys of slots', () => {
  it.each<readonly [string, () => UnlockMethod]>([
    ['an identity', () => identity(generateIdentity())],
    ['a key wrapper', () => keyWrapper(memoryKeyService().open())],
  ])('of %s are there while the store is open, and wiped when it is closed', async (_, method) => {
    const unlock = method();
    const place = usePlace(memoryPlace);
    const { fingerprint, slots } = await createAt(place);
    await slots.add(unlock);
    const keys = watchBoxKeys();
    const store = await openAt(place, { unlock, fingerprint });
    expect(keys()).toEqual({ used: 1, left: 1 });
    await store.close();
    expect(keys().left).toBe(0);
    await failure(slots.add(unlock), 'ALREADY_EXISTS');
    await failure(openAt(place, { unlock, fingerprint, anchor: UNWRITABLE }), 'INTERNAL');
    const anchor = { ...UNWRITABLE, read: async () => undefined };
    await failure(openAt(place, { unlock, anchor, trustOnFirstUse: true }), 'INTERNAL');
    expect(keys()).toEqual({ used: 3, left: 0 });
  });

  it.each(UNOPENABLE)('are wiped where a store is not opened since its %s', async (_what, code, prepare) => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    await (await createAt(place, { clock })).close();
    await prepare(place);
    const keys = watchSlotKeys();
    await failure(openAt(place, { clock }), code);
    expect(keys()).toMatchObject({ derived: expect.any(Number), left: 0 });
    expect(keys().derived).toBeGreaterThan(0);
  });

  it.each(['lose-acknowledgement', 'fail'] as const)(
    'of a secret that is replaced are wiped, also after lost races, where a write of the head meets "%s"',
    async (type) => {
      const clock = new EagerClock();
      const place = usePlace(() => memoryPlace(() => clock.now()));
      const injector = createFaultInjector();
      const keys = watchSlotKeys();
      await (await createAt(place, { clock })).slots.add(secret(9));
      const store = await openAt(place, { clock, layers: [injector.layer] });
      const colleague = await openAt(place, { clock, unlock: rawKey(secret(9)) });
      let writes = 0;
      injector.plan(({ operation, key }) => {
        if (operation !== 'write' || key !== HEAD_NAME) return undefined;
        writes += 1;
        // Somebody else is first, and then the backend has its trouble.
        if (writes === 1) return { type: 'delay', until: colleague.slots.add(secret(10)).then(() => undefined) };
        return writes === 2 ? { type } : undefined;
      });
      const rotated = store.rotateEncryptionKey(secret(7), secret(8), { depth: 'unlock' });
      if (type === 'fail') await failure(rotated, 'UNAVAILABLE');
      else await rotated;
      expect(writes).toBeGreaterThan(1);
      await store.close();
      await colleague.close();
      // One store of them is open still: the one that made the place.
      expect(keys().left).toBe(1);
    },
  );
});

/** A store, and a process that has it open by a secret which it is asked for, and gives when the test lets it. */
async function askedFor() {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const owner = await createAt(place, { clock });
  const source = { secret: secret(7), answers: Promise.resolve() };
  const unlock = rawKey(async () => {
    await source.answers;
    return source.secret;
  });
  const keys = watchSlotKeys();
  const process = await openAt(place, { clock, unlock });
  /** @returns why the process can't go on, once it has read the head anew */
  const blocked = async (): Promise<string | undefined> => {
    clock.advance(STALE);
    return (await extensionsOf(process).health.blocked())?.code;
  };
  return { owner, source, process, keys, blocked };
}

it('the key of a slot that another one replaced before it was used is wiped when the store is closed', async () => {
  const { owner, source, process, keys, blocked } = await askedFor();
  const answer = Promise.withResolvers<void>();
  source.answers = answer.promise;
  await owner.rotateEncryptionKey(secret(7), secret(8), { depth: 'unlock' });
  expect(await blocked()).toBe('LOCKED');
  // The answer is right for the head for which the secret was asked for, and comes when that is over.
  await owner.rotateEncryptionKey(secret(8), secret(9), { depth: 'unlock' });
  source.secret = secret(8);
  answer.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  source.secret = secret(9);
  expect(await blocked()).toBeUndefined();
  await process.store('k', 'v');
  await process.close();
  await owner.close();
  expect(keys()).toMatchObject({ left: 0 });
});

it('new keys are wiped where a rotation is stopped before it has written them', async () => {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await createAt(place, { clock });
  const pool = randomPool();
  const made: Buffer[] = [];
  const stop = new AbortController();
  let before = 0;
  const random = (length: number): Buffer => {
    const bytes = pool(length);
    // The key of a new version is made after its id.
    if (before === KEY_ID_LENGTH && length === KEY_LENGTH) made.push(bytes);
    before = length;
    // One of the category, and one of the journal.
    if (made.length === 2) stop.abort();
    return bytes;
  };
  const store = await openAt(place, { clock, random });
  await failure(store.rotateEncryptionKey(secret(7), secret(7), { signal: stop.signal }), 'ABORTED');
  expect(made).toEqual([Buffer.alloc(KEY_LENGTH), Buffer.alloc(KEY_LENGTH)]);
  expect((await store.encryptionKeys.list()).every(({ state }) => state === 'primary')).toBe(true);
});
