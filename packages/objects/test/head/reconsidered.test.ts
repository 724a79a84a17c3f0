import { expect, it } from 'vitest';
import { EagerClock } from '../support/eager-clock.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';
import { skewed } from '../support/collection.ts';

const HOUR = 60 * 60 * 1000;

it.each([
  ['reads', (store) => store.retrieve('users/1')],
  ['asks for a history', (store) => store.history('users/1')],
  ['stores', (store) => store.store('users/2', 'x')],
  ['stores something large', (store) => store.store('users/2', new Uint8Array(300_000))],
  ['deletes', (store) => store.delete('users/1')],
  ['purges', (store) => store.purge('users/1')],
  ['restores', (store) => store.undelete('users/0')],
] as const satisfies readonly (readonly [string, (store: Awaited<ReturnType<typeof openAt>>) => Promise<unknown>])[])(
  'a process that only %s in a category learns that its destruction was undone',
  async (_, call) => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock, categories: { pii: ['users/**'] } });
    await store.store('users/0', 'x');
    await store.delete('users/0');
    await store.store('users/1', 'x');
    const other = await openAt(place, { clock });
    await store.encryptionKeys.destroy('pii');
    await failure(other.retrieve('users/1'), 'KEY_DESTROYED');
    await failure(call(other), 'KEY_DESTROYED');
    await store.encryptionKeys.undo('pii');
    clock.advance(HOUR);
    await call(other);
  },
);

it('a process that only writes does so again when its clock was set right', async () => {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await createAt(place, { clock });
  let wrong = HOUR;
  const own = { ...skewed(clock, 0), now: () => clock.now() + wrong };
  const store = await openAt(place, { clock: own });
  await failure(store.store('k', 'x'), 'UNAVAILABLE');
  await failure(store.purge('k'), 'UNAVAILABLE');
  wrong = 0;
  clock.advance(HOUR);
  await store.store('k', 'x');
  expect((await store.retrieve('k')).text()).toBe('x');
});
