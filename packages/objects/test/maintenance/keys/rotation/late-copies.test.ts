import type { StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { rawKey } from '@securestore/crypto';
import { expect, it } from 'vitest';
import { EagerClock } from '../../../support/eager-clock.ts';
import { memoryPlace, withoutBatch } from '../../../support/places.ts';
import { createAt, openAt, patterned, readRange, usePlace } from '../../../support/stores.ts';

it('a copy to the history that lands only when its key has been retired is brought under the new one', async () => {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  await store.slots.add(rawKey(Buffer.alloc(32, 9)));
  const { version } = await store.store('k', 'one');
  const injector = createFaultInjector();
  const unlock = rawKey(Buffer.alloc(32, 9));
  const other = await openAt(place, { clock, unlock, wrap: withoutBatch, layers: [injector.layer] });
  await other.retrieve('k');
  injector.plan(({ operation, key }) => {
    if (operation !== 'write' || key?.startsWith('h/') !== true) return undefined;
    injector.plan(undefined);
    const rotation = store.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 8));
    return { type: 'delay', until: Promise.resolve(rotation).then(() => undefined) };
  });
  await other.store('k', 'two');
  for (const reader of [store, other]) {
    expect((await reader.retrieve('k')).text()).toBe('two');
    expect((await reader.retrieve('k', { version })).text()).toBe('one');
  }
});

it.each([
  ['with batches', (backend: StorageBackend) => backend],
  ['without batches', withoutBatch],
])('what a process remembers from before it was sealed anew takes the place of no copy, %s', async (_what, wrap) => {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  await store.slots.add(rawKey(Buffer.alloc(32, 9)));
  const other = await openAt(place, { clock, unlock: rawKey(Buffer.alloc(32, 9)), wrap });
  let beforeListing: (() => Promise<unknown>) | undefined;
  const rotator = await openAt(place, {
    clock,
    wrap: (backend) =>
      forwardTo(backend, {
        async list(prefix, options) {
          if (prefix === 'o/') {
            await beforeListing?.();
            beforeListing = undefined;
          }
          return backend.list(prefix, options);
        },
      }),
  });
  // Under the new keys already, and sealed anew all the same.
  beforeListing = async () => {
    await other.encryptionKeys.list();
    await other.store('k', patterned(200_000));
  };
  await rotator.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 8), { depth: 'data' });
  const third = await openAt(place, { clock, unlock: rawKey(Buffer.alloc(32, 8)) });
  expect(await third.delete('k')).toBe(true);
  expect(await other.delete('k')).toBe(false);
  await third.undelete('k');
  expect((await readRange(third, 'k')).equals(patterned(200_000))).toBe(true);
  expect(await third.verify({ payloads: true })).toMatchObject({ ok: true, findings: [] });
});
