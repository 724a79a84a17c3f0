import { forwardTo } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { memoryPlace, withoutBatch } from '../support/places.ts';
import { failure, patterned, usePlace } from '../support/stores.ts';
import type { Surface } from './surface.ts';

/** What changes objects, alone and under conditions. */
export function describeMutations(surface: Surface): void {
  describe.each(surface.places)('mutations over %s', (_name, make) => {
    it('store, overwrite, delete and bring back', async () => {
      const store = await surface.createAt(usePlace(make));
      const first = await store.store('k', 'one', { metadata: { n: 1 } });
      const second = await store.store('k', 'two');
      expect(second.metadata).toEqual({});
      expect(second.created).toEqual(first.created);
      expect((await store.retrieve('k')).text()).toBe('two');
      expect((await store.retrieve('k', { version: first.version })).text()).toBe('one');
      expect(await store.delete('k')).toBe(true);
      expect(await store.delete('k')).toBe(false);
      await failure(store.retrieve('k'), 'NOT_FOUND');
      expect(await store.has('k')).toBe(false);
      expect(await store.history('k')).toMatchObject([
        { deleted: true, purged: false, expired: false, current: true },
        { version: second.version, deleted: false, purged: false, expired: false, current: false, size: 3 },
        { version: first.version, deleted: false, current: false, size: 3 },
      ]);
      const back = await store.undelete('k');
      expect((await store.retrieve('k')).text()).toBe('two');
      expect(back.version > second.version).toBe(true);
      const older = await store.restoreVersion('k', first.version);
      expect(older).toMatchObject({ metadata: { n: 1 }, size: 3 });
      expect((await store.retrieve('k')).text()).toBe('one');
    });

    it('of large objects look at their condition, the whole version, before they upload', async () => {
      const place = usePlace(make);
      const store = await surface.createAt(place);
      const { version } = await store.store('k', 'x');
      const sameNumber = `${version.slice(0, -1)}${version.endsWith('0') ? '1' : '0'}`;
      const uploads: string[] = [];
      const watched = await surface.openAt(place, {
        wrap: (backend) =>
          forwardTo(backend, {
            write: async (name, body, options) => {
              uploads.push(name);
              return backend.write(name, body, options);
            },
          }),
      });
      const large = patterned(200_000);
      for (const condition of [{ ifAbsent: true }, { ifVersion: sameNumber }]) {
        const error = await failure(watched.store('k', large, condition), 'CONFLICT');
        expect(error.currentVersion).toBe(version);
      }
      expect(uploads).toEqual([]);
      await watched.store('k', large, { ifVersion: version });
    });

    it('of conditions tell the version that stands in the way', async () => {
      const store = await surface.createAt(usePlace(make));
      const wrong = (await store.store('other', 'x')).version;
      const absent = await failure(store.store('k', 'x', { ifVersion: wrong }), 'CONFLICT');
      expect(absent.currentVersion).toBeUndefined();
      const { version } = await store.store('k', 'x', { ifAbsent: true });
      for (const call of [
        () => store.store('k', 'y', { ifAbsent: true }),
        () => store.store('k', 'y', { ifVersion: wrong }),
        () => store.setMetadata('k', {}, { ifVersion: wrong }),
        () => store.delete('k', { ifVersion: wrong }),
        () => store.restoreVersion('k', version, { ifVersion: wrong }),
        () => store.undelete('k'),
      ]) {
        expect(await failure(call(), 'CONFLICT')).toMatchObject({ currentVersion: version, retryable: false });
      }
      expect(await store.delete('k', { ifVersion: version })).toBe(true);
      await failure(store.setMetadata('k', {}), 'NOT_FOUND');
      await failure(store.delete('k', { ifVersion: version }), 'CONFLICT');
      await store.store('k', 'again', { ifAbsent: true });
    });

    it('keep the payload where only the metadata changes', async () => {
      const place = usePlace(make);
      const store = await surface.createAt(place);
      const payload = patterned(300_000);
      const first = await store.store('k', payload, { metadata: { a: 1 }, expires: new Date(Date.now() + 1e9) });
      const backend = await place.open();
      const parts = (await backend.list('b/')).entries.map(({ key }) => key);
      const second = await store.setMetadata('k', { b: 2 });
      expect(second).toMatchObject({
        size: 300_000,
        metadata: { b: 2 },
        created: first.created,
        expires: first.expires,
      });
      expect((await backend.list('b/')).entries.map(({ key }) => key)).toEqual(parts);
      expect(payload.equals((await store.retrieve('k')).data)).toBe(true);
      expect((await store.info('k', { version: first.version })).metadata).toEqual({ a: 1 });
      await backend.close();
    });

    it('purge history and payloads, and nothing of other objects', async () => {
      const place = usePlace(make);
      const store = await surface.createAt(place);
      const backend = await place.open();
      await store.store('other', patterned(100_000));
      await store.store('k/below', patterned(100_000));
      const before = [(await backend.list('b/')).entries, (await backend.list('h/')).entries];
      const { version } = await store.store('k', patterned(100_000));
      await store.store('k', patterned(200_000));
      await store.delete('k');
      expect(await store.purge('k')).toBe(true);
      expect([(await backend.list('b/')).entries, (await backend.list('h/')).entries]).toEqual(before);
      await failure(store.retrieve('k', { version }), 'NOT_FOUND');
      await failure(store.undelete('k'), 'NOT_FOUND');
      expect(await store.history('k')).toMatchObject([{ deleted: true, purged: true, current: true }]);
      expect(await store.purge('k')).toBe(false);
      expect(await store.purge('never')).toBe(false);
      await failure(store.history('never'), 'NOT_FOUND');
      expect((await store.retrieve('other')).info.size).toBe(100_000);
      expect((await store.store('k', 'anew')).version > version).toBe(true);
      await backend.close();
    });
  });

  describe('what one client believes', () => {
    it('does not keep it from deleting what another stored anew', async () => {
      const place = usePlace(memoryPlace);
      const a = await surface.createAt(place);
      const b = await surface.openAt(place);
      await a.store('k', 'one');
      await a.delete('k');
      await b.store('k', 'two');
      expect(await a.delete('k')).toBe(true);
      expect(await b.has('k')).toBe(false);
    });

    it('does not keep it from describing what another stored anew', async () => {
      const place = usePlace(memoryPlace);
      const a = await surface.createAt(place);
      const b = await surface.openAt(place);
      await a.store('k', 'one');
      await a.delete('k');
      await b.store('k', 'two');
      expect(await a.setMetadata('k', { by: 'a' })).toMatchObject({ size: 3, metadata: { by: 'a' } });
    });

    it('does not make it undo a deletion that was undone', async () => {
      const place = usePlace(memoryPlace);
      const a = await surface.createAt(place);
      const b = await surface.openAt(place);
      await a.store('k', 'one');
      await b.delete('k');
      expect(await a.undelete('k')).toMatchObject({ size: 3 });
      await failure(b.undelete('k'), 'CONFLICT');
    });

    it('does not bring back what another purged', async () => {
      const place = usePlace(memoryPlace);
      const a = await surface.createAt(place, { wrap: withoutBatch });
      const b = await surface.openAt(place);
      await a.store('k', 'secret of old');
      await b.purge('k');
      await a.store('k', 'new');
      expect((await a.history('k')).map(({ deleted }) => deleted)).toEqual([false, true]);
      await a.store('l', 'one');
      await b.delete('l');
      await b.purge('l');
      await a.store('l', 'new');
      expect((await a.history('l')).map(({ deleted }) => deleted)).toEqual([false, true]);
    });

    it('does not lose what another replaced or deleted', async () => {
      const place = usePlace(memoryPlace);
      const a = await surface.createAt(place, { wrap: withoutBatch });
      const b = await surface.openAt(place, { wrap: withoutBatch });
      const { version } = await a.store('k', 'one');
      await b.store('k', 'two');
      await b.delete('k');
      await a.store('k', 'three');
      expect((await a.history('k')).map(({ deleted }) => deleted)).toEqual([false, true, false, false]);
      expect((await b.retrieve('k', { version })).text()).toBe('one');
    });

    it('does not bring back an older value than the one before the deletion', async () => {
      const clock = new FakeClock();
      const place = usePlace(() => memoryPlace(() => clock.now()));
      const store = await surface.createAt(place, { clock });
      await store.store('k', 'old');
      await store.store('k', 'short-lived', { expires: new Date(clock.now() + 1000) });
      clock.advance(1001);
      await store.delete('k');
      await failure(store.undelete('k'), 'NOT_FOUND');
    });
  });
}
