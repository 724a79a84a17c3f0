import { expect, it } from 'vitest';
import { memoryAnchor } from '../../objects/test/support/anchors.ts';
import { attack } from '../../objects/test/support/attacker.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../../objects/test/support/stores.ts';
import { cancelMigration } from '../src/index.ts';
import { contentsOf, following, move, reaching } from './support/moves.ts';

async function scene() {
  const clock = new EagerClock();
  const place = () => usePlace(() => memoryPlace(() => clock.now()));
  const [a, b, c] = [place(), place(), place()];
  const anchor = memoryAnchor();
  const store = await createAt(a, { clock, anchor, ...following(a, b, c) });
  for (let n = 0; n < 3; n++) await store.store('k', `at the first place ${n}`);
  await store.store('large', patterned(200_000, 1));
  await store.store('large', patterned(200_000, 2));
  await store.store('gone', 'x');
  return { clock, a, b, c, anchor, store };
}

it('a store comes back by way of a third place, though its keys were renewed where it was in between', async () => {
  const { clock, a, b, c, anchor, store } = await scene();
  await move(a, b, { clock });
  await store.has('k');
  const secret = Buffer.alloc(32, 7);
  expect(await store.rotateEncryptionKey(secret, secret)).toMatchObject({ failed: 0 });
  await store.purge('gone');
  await move(b, c, { clock });
  await store.store('k', 'at the third place');
  expect(await move(c, a, { clock })).toMatchObject({ migrated: true, failures: 0 });
  expect(await contentsOf(a)).toEqual(await contentsOf(c));
  const back = await openAt(a, { clock, anchor });
  expect((await back.retrieve('k')).text()).toBe('at the third place');
  expect(await back.history('k')).toHaveLength(4);
  expect((await back.verify({ payloads: true })).findings).toEqual([]);
});

it('what was given up at one place keeps no store from moving to another, nor back to that', async () => {
  const { clock, a, b, c, store } = await scene();
  await move(a, b, { clock, copyOnly: true });
  const moving = await openAt(a, { clock, ignoreRedirect: true });
  await cancelMigration(moving, reaching(a, b));
  await moving.close();
  expect(await move(a, c, { clock })).toMatchObject({ migrated: true, failures: 0 });
  // What lies there is of an instance that the store is no more.
  await failure(move(c, b, { clock }), 'ALREADY_EXISTS');
  await store.store('k', 'later');
  expect(await move(c, a, { clock })).toMatchObject({ migrated: true, failures: 0 });
  await (await attack(b)).restore(new Map());
  expect(await move(a, b, { clock })).toMatchObject({ migrated: true, failures: 0 });
  expect((await store.retrieve('k')).text()).toBe('later');
});
