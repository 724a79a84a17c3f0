import { describe, expect, it } from 'vitest';
import type { SecureStorage } from '../../src/index.ts';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { memoryPlace } from '../support/places.ts';
import { failure, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';

async function world(surface: Surface): Promise<{ clock: FakeClock; store: SecureStorage }> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  return { clock, store: await surface.createAt(place, { clock }) };
}

/** What depends on the time. */
export function describeTimes(surface: Surface): void {
  describe('expiry', () => {
    it('makes an object as if it did not exist, from that moment on', async () => {
      const { store, clock } = await world(surface);
      const expires = new Date(clock.now() + 1000);
      const first = await store.store('k', 'x', { expires });
      expect(first.expires).toEqual(expires);
      clock.advance(999);
      expect(await store.has('k')).toBe(true);
      expect(await store.history('k')).toMatchObject([{ current: true, expired: false }]);
      clock.advance(1);
      expect(await store.has('k')).toBe(false);
      expect(await store.history('k')).toMatchObject([{ current: true, expired: true, deleted: false, size: 1 }]);
      await failure(store.retrieve('k'), 'NOT_FOUND');
      await failure(store.info('k'), 'NOT_FOUND');
      await failure(store.retrieveStream('k'), 'NOT_FOUND');
      await failure(store.setMetadata('k', {}), 'NOT_FOUND');
      await failure(store.retrieve('k', { version: first.version }), 'NOT_FOUND');
      await failure(store.restoreVersion('k', first.version), 'NOT_FOUND');
      await failure(store.store('k', 'y', { ifVersion: first.version }), 'CONFLICT');
      expect(await Array.fromAsync(store.entries())).toEqual([]);
      const second = await store.store('k', 'y', { ifAbsent: true });
      expect(second.expires).toBeUndefined();
      expect(second.created).toEqual(new Date(clock.now()));
      expect(second.version > first.version).toBe(true);
    });

    it('of a deleted object says that it was not there', async () => {
      const { store, clock } = await world(surface);
      await store.store('k', 'x', { expires: new Date(clock.now() + 10) });
      clock.advance(10);
      expect(await store.delete('k')).toBe(false);
    });
  });

  describe('at', () => {
    it('finds the version that was current at that time', async () => {
      const { store, clock } = await world(surface);
      const start = clock.now();
      const texts = ['one', 'two', 'three'];
      for (const text of texts) {
        await store.store('k', text);
        clock.advance(100);
      }
      await store.delete('k');
      clock.advance(100);
      await store.store('k', 'four');
      const textAt = async (time: number): Promise<string> =>
        (await store.retrieve('k', { at: new Date(time) })).text();
      expect(await textAt(start)).toBe('one');
      expect(await textAt(start + 99)).toBe('one');
      expect(await textAt(start + 100)).toBe('two');
      expect(await textAt(start + 299)).toBe('three');
      await failure(textAt(start + 300), 'NOT_FOUND');
      expect(await textAt(start + 400)).toBe('four');
      expect(await textAt(8.64e15)).toBe('four');
      await failure(textAt(start - 1), 'NOT_FOUND');
      await failure(textAt(0), 'NOT_FOUND');
    });
  });
}
