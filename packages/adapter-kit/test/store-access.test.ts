import { MemoryBackend } from '@securestore/backend-memory';
import type { SecureStore } from 'securestore';
import { openStore, rawKey, SecureStoreError } from 'securestore';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { StoreAccess } from '../src/index.ts';
import { expectCode, storeUrlOf, openedAt, OPENING } from './support/stores.ts';

it('opens a store once, when it is needed, and closes it', async () => {
  const url = storeUrlOf('sqlite');
  await expectCode(openStore(url, { unlock: OPENING.unlock }), 'NOT_FOUND');
  const access = new StoreAccess(url, OPENING);
  await expectCode(openStore(url, { unlock: OPENING.unlock }), 'NOT_FOUND');
  const [store, again] = await Promise.all([access.get(), access.get()]);
  expect(again).toBe(store);
  await store.store('k', 'x');
  await access.close();
  await access.close();
  await expectCode(store.retrieve('k'), 'UNAVAILABLE');
  expect((await expectCode(access.get(), 'UNAVAILABLE')).message).toContain('disconnected');
});

it.each([
  ['none', {}, 1],
  ['those that are asked for', { history: { versions: 1, days: 0 } }, 2],
])('makes stores that keep no older versions but %s', async (_kept, settings, versions) => {
  const clock = new EagerClock();
  const backend = new MemoryBackend({ clock: () => clock.now() });
  const access = new StoreAccess('memory:', { ...OPENING, ...settings, clock, backend });
  const store = (await access.get()) as SecureStore;
  for (const data of ['one', 'two', 'three']) await store.store('k', data);
  expect(await store.history('k')).toHaveLength(3);
  await clock.sleep(3 * 24 * 3_600_000);
  await store.gc();
  expect(await store.history('k')).toHaveLength(versions);
  await access.close();
});

it('closes what is being opened', async () => {
  const access = new StoreAccess(storeUrlOf('sqlite'), OPENING);
  const opening = access.get();
  await access.close();
  await expectCode((await opening).has('k'), 'UNAVAILABLE');
});

it('never opens what is closed before anybody needed it', async () => {
  const access = new StoreAccess(storeUrlOf('sqlite'), OPENING);
  await access.close();
  await expectCode(access.get(), 'UNAVAILABLE');
});

it('leaves a lent store open', async () => {
  const store = await openedAt('memory:');
  const access = new StoreAccess(store, {});
  await access.close();
  expect(await access.get()).toBe(store);
  expect(await store.has('k')).toBe(false);
});

it('refuses options of opening beside a store', async () => {
  const store = await openedAt('memory:');
  const error = await expectCode((async () => new StoreAccess(store, { create: true }))(), 'INVALID_ARGUMENT');
  expect(error.message).toContain('"create"');
});

class Fickle extends MemoryBackend {
  opened = 0;

  override async init(...given: Parameters<MemoryBackend['init']>): Promise<void> {
    this.opened += 1;
    if (this.opened === 1) throw new SecureStoreError('UNAVAILABLE', 'not now', { retryable: true });
    await super.init(...given);
  }
}

it('tries again what failed for now', async () => {
  const backend = new Fickle();
  const access = new StoreAccess('memory:', { ...OPENING, backend });
  await expectCode(access.get(), 'UNAVAILABLE');
  expect(await (await access.get()).has('k')).toBe(false);
  expect(backend.opened).toBe(2);
  await access.close();
});

it('does not try a wrong secret again', async () => {
  const url = storeUrlOf('file');
  await (await openStore(url, OPENING)).close();
  let asked = 0;
  const unlock = rawKey(() => {
    asked += 1;
    return Buffer.alloc(32, 9);
  });
  const access = new StoreAccess(url, { unlock });
  await expectCode(access.get(), 'UNLOCK_FAILED');
  await expectCode(access.get(), 'UNLOCK_FAILED');
  expect(asked).toBe(1);
});
