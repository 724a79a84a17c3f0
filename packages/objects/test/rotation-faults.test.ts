import { createFaultInjector } from '@securestore/backend-api';
import { expect, it } from 'vitest';
import { hurriedClock } from './support/hurried-clock.ts';
import { memoryPlace } from './support/places.ts';
import { createAt, failure, patterned, usePlace } from './support/stores.ts';

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
