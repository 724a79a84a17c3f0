import { channel } from 'node:diagnostics_channel';
import { expect, onTestFinished, test } from 'vitest';
import { setRole } from '../src/index.ts';
import { as, PeoplesWorld } from './support/access-world.ts';

test('how often decisions are remembered is counted for each session, through changes of the policy, and for all', async () => {
  const world = new PeoplesWorld();
  const store = await world.openWith({ alice: [{ effect: 'allow', actions: ['list'] }], bob: [] });
  const [alice, bob] = [await as(store, 'alice'), await as(store, 'bob')];
  expect(store.access.figures).toEqual({ hits: 0, misses: 0 });
  for (let round = 0; round < 3; round++) await alice.has('a');
  await expect(bob.has('a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  // Each read asks before and after.
  expect(alice.figures).toEqual({ hits: 5, misses: 1 });
  expect(bob.figures).toEqual({ hits: 0, misses: 1 });
  await store.access.change(setRole('more', []));
  await alice.has('a');
  expect(alice.figures).toEqual({ hits: 6, misses: 2 });
  expect(store.access.figures).toEqual({ hits: 6, misses: 3 });
});

test('decisions are published to whoever subscribes, without names', async () => {
  const world = new PeoplesWorld();
  const store = await world.openWith({ alice: [{ effect: 'allow', actions: ['list'] }] });
  const alice = await as(store, 'alice');
  const heard: unknown[] = [];
  const listen = (message: unknown): void => void heard.push(message);
  const published = channel('securestore.access');
  published.subscribe(listen);
  onTestFinished(() => published.unsubscribe(listen));
  await alice.has('a');
  await expect(alice.retrieve('a')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
  expect(heard).toEqual([
    { action: 'list', allowed: true, hit: false },
    { action: 'list', allowed: true, hit: true },
    { action: 'read', allowed: false, hit: false },
  ]);
});
