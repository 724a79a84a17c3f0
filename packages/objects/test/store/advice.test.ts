import type { StorageBackend } from '@securestore/backend-api';
import { damagedError, forwardTo } from '@securestore/backend-api';
import type { Advice, ErrorCode } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';

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

/** A backend whose keyrings are damaged, with the advice of a backend. */
function broken(inner: StorageBackend): StorageBackend {
  return forwardTo(inner, {
    read: async (name, options) => {
      if (!name.startsWith('k/')) return inner.read(name, options);
      throw damagedError({ backend: 'memory', operation: 'read', key: name });
    },
  });
}

describe('the advice on a store that does not open', () => {
  it('is to restore it, also if the backend advises to repair what is damaged', async () => {
    const place = usePlace(() => memoryPlace());
    await (await createAt(place)).close();
    const error = await failure(openAt(place, { wrap: broken }), 'INTEGRITY');
    expect(error.advice).toEqual([{ id: 'restore-store' }]);
    const backend = await place.open();
    const { entries } = await backend.list('k/');
    for (const { key } of entries) await backend.write(key, Buffer.from('damaged'));
    expect((await failure(openAt(place), 'INTEGRITY')).advice).toEqual([{ id: 'restore-store' }]);
  });

  it('is not to restore a store that is only another one', async () => {
    const place = usePlace(() => memoryPlace());
    await (await createAt(place)).close();
    const { fingerprint } = await createAt(usePlace(() => memoryPlace()));
    const error = await failure(openAt(place, { fingerprint }), 'INTEGRITY');
    expect(error.advice).toEqual([{ id: 'check-writers', url: place.url }]);
  });
});
