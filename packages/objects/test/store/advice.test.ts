import type { Advice, ErrorCode } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, usePlace } from '../support/stores.ts';

type Case = readonly [string, ErrorCode, (store: ObjectStore) => Promise<unknown>, RegExp, readonly Advice[]];

const CASES: readonly Case[] = [
  [
    'an object that was deleted',
    'NOT_FOUND',
    async (store) => {
      await store.store('k', 'x');
      await store.delete('k');
      return store.retrieve('k');
    },
    /: the object has been deleted$/,
    [{ id: 'undelete-object', key: 'k' }],
  ],
  [
    'an object whose category is to be destroyed',
    'KEY_DESTROYED',
    async (store) => {
      await store.store('k', 'x');
      await store.encryptionKeys.destroy('default');
      return store.retrieve('k');
    },
    /: the keys? .*scheduled to be destroyed/,
    [{ id: 'undo-key-destruction', target: 'default' }],
  ],
  [
    'a key version that is in use',
    'INVALID_ARGUMENT',
    async (store) => store.encryptionKeys.destroy((await store.encryptionKeys.list())[0]?.id ?? ''),
    /must be disabled, got [0-9a-f]+, which is primary$/,
    [{ id: 'start-rotation' }],
  ],
  [
    'the last slot',
    'INVALID_ARGUMENT',
    async (store) => store.slots.remove((await store.slots.list())[0]?.id ?? ''),
    /: the last slot of a store cannot be removed$/,
    [{ id: 'add-slot' }],
  ],
  [
    'a slot that does not exist',
    'NOT_FOUND',
    (store) => store.slots.remove('x'),
    /: slot x does not exist$/,
    [{ id: 'list-slots' }],
  ],
  [
    'a member who does not exist',
    'NOT_FOUND',
    async (store) => store.members.revoke('ann'),
    /^member "ann" does not exist$/,
    [{ id: 'list-members' }],
  ],
];

describe('the error of a call about', () => {
  it.each(CASES)('%s says what helps', async (_, code, call, message, advice) => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock });
    const error = await failure(call(store), code);
    expect(error.message).toMatch(message);
    expect(error.advice).toEqual(advice);
  });
});
