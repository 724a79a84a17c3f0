import { MemoryBackend } from '@securestore/backend-memory';
import { isTombstoneSize } from '@securestore/objects/internal';
import { describe, expect, test } from 'vitest';
import { EagerClock } from '../../../objects/test/support/eager-clock.ts';
import type { SecureStore } from '../../src/index.ts';
import { createStore, migrateStore, openStore, rawKey, restoreStore } from '../../src/index.ts';
import { memoryPlace } from '../support/round-trip.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const unlock = rawKey(Buffer.alloc(32, 1));
const HOUR = 3_600_000;
/** How many hours pass between two repairs. */
const STEP = sized({ short: 12, full: 3, torture: 3 });

/** A store that was backed up with three objects, of which one was deleted since, and one purged. */
async function scene(history: { versions: number; days: number }) {
  const clock = new EagerClock(Date.now());
  const backend = () => new MemoryBackend({ clock: () => clock.now() });
  const [source, target, destination] = [memoryPlace(), memoryPlace(), memoryPlace()];
  const options = (...others: string[]) => {
    const destinations = Object.fromEntries([destination, ...others].map((url) => [url, { backend: backend() }]));
    return { unlock, clock, anchor: false, backend: backend(), destinations } as const;
  };
  const at = async <T>(url: string, run: (store: SecureStore) => Promise<T>): Promise<T> => {
    await using store = await openStore(url, { ...options(), maintenance: false });
    return await run(store);
  };
  await using store = await createStore(source, { ...options(), maintenance: false, history });
  for (const key of ['kept', 'deleted', 'purged', 'twice', 'twice']) await store.store(key, 'x');
  await store.backup(destination);
  await store.delete('deleted');
  await store.delete('twice');
  await store.purge('purged');
  return { clock, options, source, target, destination, at };
}

const repaired = async (store: SecureStore, destination: string): Promise<string[]> => {
  await store.scrub({ repair: destination });
  return store.list();
};

describe.each([
  { versions: 0, days: 0 },
  { versions: 10, days: 30 },
])('a repair with the history $versions/$days', (history) => {
  test('brings nothing back that was deleted before a migration', async () => {
    const { at, options, source, target, destination, clock } = await scene(history);
    await migrateStore(source, target, options(target));
    expect(await at(target, (store) => repaired(store, destination))).toEqual(['kept']);
    for (let hours = 0; hours < 72; hours += 2 * STEP) {
      clock.advance(2 * STEP * HOUR);
      await at(target, async (store) => store.gc());
      expect(await at(target, (store) => repaired(store, destination))).toEqual(['kept']);
    }
  });

  test('brings nothing back that was deleted, at any time after it', async () => {
    const { at, source, destination, clock } = await scene(history);
    for (let hours = 0; hours < 72; hours += STEP) {
      clock.advance(STEP * HOUR);
      await at(source, async (store) => store.gc());
      expect(await at(source, (store) => repaired(store, destination))).toEqual(['kept']);
    }
  });

  test('brings nothing back in a store that was restored from a backup', async () => {
    const { at, options, source, target, destination } = await scene(history);
    await at(source, async (store) => store.backup(destination));
    const { unlock: secret, clock, destinations } = options(target);
    await restoreStore(destination, target, { unlock: secret, clock, destinations });
    expect(await at(target, (store) => repaired(store, destination))).toEqual(['kept']);
  });

  // T-BACKEND-15
  test('brings nothing back that a checkpoint knows as deleted, if the backend has removed the tombstones', async () => {
    const { at, options, source, destination } = await scene(history);
    await at(source, async (store) => {
      await store.store('new', 'x');
      await store.checkpoint();
    });
    const { backend } = options();
    await backend.init({ url: source, options: {} });
    const { entries } = await backend.list('o/', {});
    for (const { key } of entries) {
      const size = (await backend.read(key))?.body.length ?? 0;
      if (isTombstoneSize(size)) await backend.delete(key);
    }
    expect((await backend.list('o/', {})).entries).toHaveLength(2);
    await at(source, async (store) => {
      const report = await store.scrub({ repair: destination });
      expect(await store.list()).toEqual(['kept', 'new']);
      const messages = report.findings.map(({ message }) => message);
      expect(messages.filter((message) => message.includes('the backup has it'))).toEqual([]);
    });
  });
});
