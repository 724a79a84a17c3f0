import { intercept } from '@securestore/backend-api';
import type { Layer } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { openConsumer } from '../../objects/src/journal/open-consumer.ts';
import { openParts } from '../../objects/src/store/open.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { atEnd, createAt, failure, UNLOCK, usePlace } from '../../objects/test/support/stores.ts';
import { following, move, reached } from './support/moves.ts';

it('a journal that is removed where the store was is no alarm for who does not know yet that it has left', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryPlace(() => clock.now()));
  const to = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(from, { clock, ...following(to, from) });
  const parts = await openParts({
    backend: await reached(from),
    url: from.url,
    unlock: UNLOCK,
    clock,
    maintenance: false,
    ...following(to),
  });
  atEnd(() => parts.onClose());
  const consumer = await openConsumer(parts.engine, 'idle');
  await store.store('k', 'one');
  await consumer.pass(() => undefined);
  await consumer.commit();
  await store.store('k', 'two');
  expect(await consumer.poll()).toMatchObject({ alarms: [] });
  await move(from, to, { clock });
  let looked: Promise<unknown> | undefined;
  // The hints are gone, and what it has read is there still.
  const meanwhile: Layer = intercept(() => async ({ operation, key = '' }, run) => {
    if (operation === 'delete' && key.startsWith(AREAS.work)) await (looked ??= failure(consumer.poll(), 'NOT_FOUND'));
    return run(undefined);
  });
  await move(to, from, { clock, toLayers: [meanwhile] });
  expect(looked).toBeDefined();
  await looked;
});
