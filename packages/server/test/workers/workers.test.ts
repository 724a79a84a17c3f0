import { expect, it } from 'vitest';
import { workerWorld } from '../support/worker-world.ts';

it('serves objects by its workers, and the rest by its own process', async () => {
  const { client, store, token, server } = await workerWorld();
  const [one, other] = [await client(), await client()];
  await one.store('a', 'first');
  expect((await other.retrieve('a')).text()).toBe('first');
  expect(await one.list('')).toEqual(['a']);
  expect((await store.retrieve('a')).text()).toBe('first');
  expect((await one.access.policy()).principals).toHaveLength(1);
  expect((await one.verify()).ok).toBe(true);
  const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  console.log((await metrics.text()).split('\n').filter((l) => l.includes('server_requests')).join('\n'));
});
