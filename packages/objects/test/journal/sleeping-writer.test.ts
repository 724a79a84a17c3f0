import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { HEAD_NAME } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { openConsumer } from '../../src/journal/open-consumer.ts';
import { DAY, processAt, whileTimePasses } from '../support/collection.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, usePlace } from '../support/stores.ts';

it('a writer that slept just before a hint until its stream was removed announces its commit elsewhere', async () => {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await createAt(place, { clock, journal: true });
  const asleep = Promise.withResolvers<void>();
  const awake = Promise.withResolvers<void>();
  let tired = false;
  const wrap = (inner: StorageBackend): StorageBackend =>
    forwardTo(inner, {
      async read(name, options) {
        const found = await inner.read(name, options);
        if (!tired || name !== HEAD_NAME) return found;
        tired = false;
        asleep.resolve();
        await awake.promise;
        return found;
      },
    });
  // Of a process that stands still no timer goes off.
  const still = {
    now: () => clock.now(),
    uptime: () => clock.uptime(),
    sleep: () => Promise.withResolvers<void>().promise,
  };
  const sleeper = await processAt(place, { clock: still, wrap });
  await sleeper.store.store('k', 'one');
  const other = await processAt(place, { clock });
  const consumer = await openConsumer(other.engine, 'patient');
  await whileTimePasses(
    clock,
    consumer.pass(() => undefined),
  );
  await consumer.commit();
  clock.advance(DAY / 24);
  tired = true;
  const storing = sleeper.store.store('k', 'two');
  await asleep.promise;
  for (let days = 0; days < 11; days++) {
    clock.advance(DAY);
    await consumer.poll();
    await consumer.commit();
    await whileTimePasses(clock, Promise.resolve(other.store.gc()));
  }
  awake.resolve();
  const { version } = await whileTimePasses(clock, storing);
  const { changes } = await consumer.poll();
  expect(changes.map(({ header }) => header.version)).toHaveLength(1);
  expect((await other.store.info('k')).version).toBe(version);
});
