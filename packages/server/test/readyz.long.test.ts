import { randomUUID } from 'node:crypto';
import { forwardTo } from '@securestore/backend-api';
import { MemoryBackend } from '@securestore/backend-memory';
import { SecureStoreError } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { EVERYTHING, world } from './support/world.ts';

const DAY = 86_400_000;

/** A served store, a destination of its backups that can be out of reach, and what is said of both. */
async function scene() {
  const clock = new EagerClock(Date.now());
  const destination = `memory:${randomUUID()}`;
  const memory = new MemoryBackend({ clock: () => clock.now() });
  const trouble: { error?: SecureStoreError } = {};
  const refuse = (): Promise<never> => Promise.reject(trouble.error ?? new Error('nothing is wrong'));
  const backend = forwardTo(memory, {
    read: (key, options) => (trouble.error === undefined ? memory.read(key, options) : refuse()),
    write: (key, body, options) => (trouble.error === undefined ? memory.write(key, body, options) : refuse()),
    list: (prefix, options) => (trouble.error === undefined ? memory.list(prefix, options) : refuse()),
  });
  const { store, send, somebody } = await world({}, { clock, destinations: { [destination]: { backend } } });
  const token = await somebody('ann', EVERYTHING);
  const asked = async (path: string): Promise<unknown[]> => {
    const answer = await send('GET', path, { token });
    return [answer.status, (answer.json() as { status: string }).status];
  };
  return { clock, store, destination, trouble, asked };
}

it('of a store whose backup is too old is 200: it can be used, and its health tells of the backup', async () => {
  const { clock, store, destination, asked } = await scene();
  await store.store('k', 'v');
  await store.backup(destination);
  expect(await asked('/readyz')).toEqual([200, 'ok']);
  clock.advance(3 * DAY);
  expect(await asked('/v1/health')).toEqual([200, 'failing']);
  expect(await asked('/readyz')).toEqual([200, 'degraded']);
});

it.each([
  ['refused meanwhile', {}, [503, 'failing']],
  ['not', { unreachable: 'degrade' }, [200, 'degraded']],
] as const)('of a store whose writes wait for a backup that is out of reach, and are %s', async (_, more, expected) => {
  const { store, destination, trouble, asked } = await scene();
  await store.store('k', 'v');
  await using following = await store.backups.startContinuous(destination, { synchronous: { ...more }, interval: 20 });
  expect(await asked('/readyz')).toEqual([200, 'ok']);
  trouble.error = new SecureStoreError('UNAVAILABLE', 'out of reach');
  await expect.poll(() => following.status.error?.code, { timeout: 30_000 }).toBe('UNAVAILABLE');
  expect(await asked('/readyz')).toEqual(expected);
  delete trouble.error;
  await expect.poll(() => following.status.error, { timeout: 30_000 }).toBeUndefined();
  expect(await asked('/readyz')).toEqual([200, 'ok']);
});
