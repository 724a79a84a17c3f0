import { createFaultInjector } from '@securestore/backend-api';
import { compareVersions } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { expect, it } from 'vitest';
import { skewed } from '../../support/collection.ts';
import { EagerClock } from '../../support/eager-clock.ts';
import type { Place } from '../../support/places.ts';
import { memoryPlace, withoutBatch } from '../../support/places.ts';
import { createAt, failure, openAt, patterned, readRange, usePlace } from '../../support/stores.ts';

const LARGE = patterned(150_000);

it('a rotation to the depth "data" that is stopped keeps the payloads that it has sealed anew', async () => {
  const injector = createFaultInjector();
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, layers: [injector.layer] });
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
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
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
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const other = await createAt(place, { clock });
  await other.slots.add(rawKey(Buffer.alloc(32, 8)));
  // It reads the head again only when an operation ends, and its clock is slow.
  const store = await openAt(place, { clock: skewed(clock, -300_000) });
  await other.rotateEncryptionKey(Buffer.alloc(32, 8), Buffer.alloc(32, 9));
  const { version } = await other.store('k', 'under the new key');
  await store.purge('k');
  const [tombstone] = await other.history('k');
  expect(compareVersions(tombstone?.version ?? '', version)).toBeGreaterThan(0);
});

it('a writer that loses a race to a re-wrap leaves the copy that another writer counts on', async () => {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const first = createFaultInjector();
  const second = createFaultInjector();
  const loser = await createAt(place, { clock, layers: [first.layer], wrap: withoutBatch });
  const winner = await openAt(place, { clock, layers: [second.layer], wrap: withoutBatch });
  const { version } = await loser.store('k', 'one');
  const lost = Promise.withResolvers<void>();
  let winning: Promise<unknown> | undefined;
  let copies = 0;
  // The winner has found the version copied already, and writes when the loser has given up.
  second.plan(({ operation, key }) =>
    operation === 'write' && key?.startsWith('o/') === true ? { type: 'delay', until: lost.promise } : undefined,
  );
  first.plan(({ operation, key }) => {
    if (operation !== 'write') return undefined;
    if (key?.startsWith('h/') === true && ++copies > 1) return { type: 'fail' };
    if (key?.startsWith('o/') !== true) return undefined;
    const copied = async (): Promise<void> => {
      await rewrapAt(place, key);
      winning = winner.setMetadata('k', { won: true });
      await clock.sleep(5000);
    };
    return { type: 'delay', until: copied() };
  });
  await failure(loser.store('k', 'never'), 'UNAVAILABLE');
  lost.resolve();
  await winning;
  expect((await winner.history('k')).map((entry) => entry.version)).toContain(version);
  expect((await winner.retrieve('k', { version })).text()).toBe('one');
});

/** Puts the same record back under another etag, as a re-wrap does. */
async function rewrapAt(place: Place, name: string): Promise<void> {
  const backend = await place.open();
  const found = await backend.read(name);
  if (found?.etag !== undefined) await backend.write(name, found.body, { ifMatch: found.etag });
}
