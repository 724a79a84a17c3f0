import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { claimMarker } from '../../src/record/blob-markers.ts';
import { markersOf } from '../support/collection.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { engineAt } from '../support/engines.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, usePlace } from '../support/stores.ts';

it('a claim is tried again under the keys of that time, however long its process has slept', async () => {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock });
  const injector = createFaultInjector();
  const sleeper = await engineAt(place, clock, { layers: [injector.layer] });
  injector.plan(({ operation, key }) => {
    if (operation !== 'write' || key?.startsWith('g/') !== true) return undefined;
    injector.plan(undefined);
    // The write is lost; when that is known, the keys that it was sealed under have been destroyed.
    const lost = (async (): Promise<void> => {
      const { retired } = await store.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 7), { depth: 'data' });
      expect(retired).not.toEqual([]);
      throw new SecureStoreError('UNAVAILABLE', 'the connection broke', { outcome: 'unknown' });
    })();
    return { type: 'delay', until: lost };
  });
  const blobId = Buffer.alloc(16, 1);
  expect(await claimMarker(sleeper.engine, sleeper.engine.names.locate('k' as never).token, blobId, undefined)).toBe(
    true,
  );
  const { engine } = await engineAt(place, clock);
  expect(Object.values(await markersOf(engine))).toEqual(['claimed']);
});
