import type { FaultInjector } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../src/index.ts';
import type { Place } from './support/places.ts';
import { memoryPlace, withoutBatch } from './support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from './support/stores.ts';

const LARGE_NEW = patterned(150_000, 2);

/** A write of the record that seems to have failed and reaches the backend when the test says so. */
async function lateWrite(
  place: Place,
): Promise<{ store: ObjectStore; land: () => Promise<void>; injector: FaultInjector }> {
  await createAt(place).then((store) => store.close());
  const injector = createFaultInjector();
  const raw = await place.open();
  let landing: (() => Promise<unknown>) | undefined;
  const store = await openAt(place, {
    wrap: (backend) => ({
      ...withoutBatch(backend),
      capabilities: { ...backend.capabilities, atomicBatch: false, maxBatch: 0 },
      write: async (key, body, options) => {
        if (key.startsWith('o/') && landing === undefined) {
          const copy = Uint8Array.from(body);
          const conditions = { ...options, signal: undefined };
          landing = () => raw.write(key, copy, conditions);
          throw new SecureStoreError('TIMEOUT', 'no answer', { outcome: 'unknown' });
        }
        return backend.write(key, body, options);
      },
    }),
    layers: [injector.layer],
  });
  return { store, injector, land: async () => void (await landing?.()) };
}

describe('a write that lands late', () => {
  it('after the store has given up is reported as unknown, and its payload is there', async () => {
    const place = usePlace(memoryPlace);
    const { store, land, injector } = await lateWrite(place);
    let reads = 0;
    // The look whether it took place succeeds (it did not, so far); what follows fails.
    injector.plan(({ operation, key }) =>
      operation === 'read' && key?.startsWith('o/') === true && reads++ > 0 ? { type: 'fail' } : undefined,
    );
    const error = await failure(store.store('k', LARGE_NEW), 'UNAVAILABLE');
    expect(error.outcome).toBe('unknown');
    await land();
    const other = await openAt(place);
    expect(LARGE_NEW.equals((await other.retrieve('k')).data)).toBe(true);
  });

  it('between two attempts counts once', async () => {
    const place = usePlace(memoryPlace);
    const { store, land, injector } = await lateWrite(place);
    let reads = 0;
    injector.plan(({ operation, key }) => {
      if (operation !== 'read' || key?.startsWith('o/') !== true || ++reads !== 2) return undefined;
      return { type: 'delay', until: land() };
    });
    const info = await store.store('k', 'once', { ifAbsent: true });
    expect(await store.history('k')).toHaveLength(1);
    expect(await store.info('k')).toEqual(info);
  });
});
