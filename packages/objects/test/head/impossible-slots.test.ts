import { keyWrapper } from '@securestore/crypto';
import type { KeyWrapper, UnlockMethod } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../support/stores.ts';

const secret = async (): Promise<Buffer> => Buffer.alloc(32, 9);

/** Checked when it is made, and another one when the slot is. */
function renamed(): UnlockMethod {
  const wrapper: { -readonly [K in keyof KeyWrapper]: KeyWrapper[K] } = {
    id: 'a key',
    wrap: async (key) => Uint8Array.from(key, (byte) => byte ^ 0x55),
    unwrap: async (wrapped) => Uint8Array.from(wrapped, (byte) => byte ^ 0x55),
  };
  const method = keyWrapper(wrapper);
  wrapper.id = '';
  return method;
}

/** Shares that say so, from a program that makes its own. */
function sharesOf(threshold: number, count: number): UnlockMethod {
  const share = (x: number): Buffer => Buffer.from([1, 2, 3, 4, threshold, count, ...Buffer.alloc(32, 9), x]);
  return { type: 'shares', secret, shares: async () => [1, 2, 3].map(share) };
}

const UNREADABLE = 'the head of the store would be unreadable';
const METHODS: readonly (readonly [string, () => UnlockMethod, reason: string])[] = [
  ['more shares than there are', () => sharesOf(3, 2), 'was made up'],
  ['one share', () => sharesOf(1, 2), 'was made up'],
  ['shares that are not there', () => ({ type: 'shares', secret }), 'must give shares'],
  ['a key wrapper without a name', renamed, UNREADABLE],
  // From a program without types: it would be taken for a slot of a later release, which nobody can remove.
  ['an unknown method', () => ({ type: 'riddle' as 'rawKey', secret }), UNREADABLE],
];

describe.each(METHODS)('a slot of %s', (_, method, reason) => {
  it('is refused, and the store goes on being opened', async () => {
    const place = usePlace(() => memoryPlace());
    const store = await createAt(place);
    const refusal = await failure(store.slots.add(method()), 'INVALID_ARGUMENT');
    expect(refusal.message).toContain(reason);
    const opened = await openAt(place);
    expect(await opened.slots.list()).toHaveLength(1);
    await failure(store.rotateEncryptionKey(UNLOCK, method(), { depth: 'unlock' }), 'INVALID_ARGUMENT');
    await (await openAt(place)).store('k', 'v');
    expect((await opened.retrieve('k')).text()).toBe('v');
  });

  it('makes no store', async () => {
    const place = usePlace(() => memoryPlace());
    await failure(createAt(place, { unlock: method() }), 'INVALID_ARGUMENT');
    await failure(openAt(place), 'NOT_FOUND');
    await createAt(place);
  });
});
