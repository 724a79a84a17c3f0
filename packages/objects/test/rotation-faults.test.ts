import { createFaultInjector } from '@securestore/backend-api';
import { compareVersions } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { expect, it } from 'vitest';
import { hurriedClock } from './support/hurried-clock.ts';
import { memoryPlace } from './support/places.ts';
import { createAt, failure, openAt, patterned, readRange, usePlace } from './support/stores.ts';

const LARGE = patterned(150_000);

it('a rotation to the depth "data" that is stopped keeps the payloads that it has sealed anew', async () => {
  const injector = createFaultInjector();
  const store = await createAt(usePlace(memoryPlace), { clock: hurriedClock(), layers: [injector.layer] });
  const { version } = await store.store('k', LARGE);
  await store.store('k', 'small');
  let sealed = false;
  injector.plan(({ operation, key }) => {
    const isRecord = key !== undefined && /^[ho]\//.test(key);
    if (operation === 'read' && isRecord && sealed) return { type: 'fail' };
    sealed ||= operation === 'write' && key?.startsWith('h/') === true;
    return undefined;
  });
  await failure(store.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 8), { depth: 'data' }), 'UNAVAILABLE');
  expect(sealed).toBe(true);
  injector.plan(undefined);
  expect(LARGE.equals((await store.retrieve('k', { version })).data)).toBe(true);
});

it.each([1, 2, 3])(
  'a payload that is sealed anew before its part %i is read is read to its end all the same',
  async (part) => {
    const payload = patterned(10 * 1024 * 1024);
    const place = usePlace(memoryPlace);
    const clock = hurriedClock();
    const other = await createAt(place, { clock });
    await other.slots.add(rawKey(Buffer.alloc(32, 8)));
    await other.store('k', payload);
    const injector = createFaultInjector();
    const store = await openAt(place, { clock, layers: [injector.layer] });
    let reads = 0;
    injector.plan(({ operation, key }) => {
      if (operation !== 'read' || key?.startsWith('b/') !== true || ++reads !== part) return undefined;
      injector.plan(undefined);
      const rotation = other.rotateEncryptionKey(Buffer.alloc(32, 8), Buffer.alloc(32, 9), { depth: 'data' });
      return { type: 'delay', until: Promise.resolve(rotation).then(() => undefined) };
    });
    const start = 12_345;
    expect((await readRange(store, 'k', { start })).equals(payload.subarray(start))).toBe(true);
    expect(reads).toBe(part);
  },
);

it('a purge by a process that does not know the new key yet has a version after the one that it removes', async () => {
  const place = usePlace(memoryPlace);
  const clock = hurriedClock();
  const other = await createAt(place, { clock });
  await other.slots.add(rawKey(Buffer.alloc(32, 8)));
  // It reads the head again only when an operation ends, and its clock is slow.
  const store = await openAt(place, { clock: { ...clock, now: () => clock.now() - 300_000 } });
  await other.rotateEncryptionKey(Buffer.alloc(32, 8), Buffer.alloc(32, 9));
  const { version } = await other.store('k', 'under the new key');
  await store.purge('k');
  const [tombstone] = await other.history('k');
  expect(compareVersions(tombstone?.version ?? '', version)).toBeGreaterThan(0);
});
