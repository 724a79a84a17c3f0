import { createFaultInjector } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { removeUnused } from '../../src/checkpoint/remove-unused.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { engineAt } from '../support/engines.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, UNLOCK, usePlace } from '../support/stores.ts';

const HOUR = 60 * 60 * 1000;

async function world() {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  return { clock, place, store, backend: await attack(place) };
}

it('a page that is written anew while it is being removed stays: another checkpoint needs it', async () => {
  const { clock, place, store, backend } = await world();
  await store.store('a', 'one');
  await store.checkpoint();
  const first = new Set(await backend.names(AREAS.checkpoints));
  await store.store('b', 'one');
  await store.checkpoint();
  clock.advance(26 * HOUR);
  const removed: string[] = [];
  const injector = createFaultInjector(({ operation, key = '' }) => {
    if (operation !== 'delete' || !first.has(key)) return undefined;
    removed.push(key);
    return { type: 'delay', until: backend.get(key).then((body) => backend.put(key, body)) };
  });
  const { engine } = await engineAt(place, clock, { layers: [injector.layer] });
  await removeUnused(engine);
  expect(removed).toHaveLength(2);
  expect(await backend.names(AREAS.checkpoints)).toEqual(expect.arrayContaining(removed));
});

it('a page under a key that is newer than what a process knows stays', async () => {
  const { clock, place, store, backend } = await world();
  await store.store('a', 'one');
  await store.checkpoint();
  let rotated = false;
  const injector = createFaultInjector(({ operation, key }) => {
    if (rotated || operation !== 'list' || key !== AREAS.checkpoints) return undefined;
    rotated = true;
    return { type: 'delay', until: Promise.resolve(store.rotateEncryptionKey(UNLOCK, UNLOCK)).then(() => undefined) };
  });
  const { engine } = await engineAt(place, clock, { layers: [injector.layer] });
  await removeUnused(engine);
  expect(rotated).toBe(true);
  expect(await backend.names(AREAS.checkpoints)).toHaveLength(2);
  expect(await store.verify()).toMatchObject({ ok: true });
});
