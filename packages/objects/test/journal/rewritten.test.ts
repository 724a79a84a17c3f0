import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, encodeBase32, historyPrefix, objectName, splitRecord } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { Consumer } from '../../src/journal/consumer.ts';
import type { Change } from '../../src/journal/resolve-hints.ts';
import { openConsumer } from '../../src/journal/open-consumer.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { engineAt } from '../support/engines.ts';
import { hintsAt, namesUnder } from '../support/journals.ts';
import { memoryPlace, withoutBatch } from '../support/places.ts';
import { createAt, openAt, usePlace } from '../support/stores.ts';

const KEY = Buffer.alloc(32, 7);

const hex = (record: Uint8Array): string => Buffer.from(record).toString('hex');

const versionId = ({ token, header }: Pick<Change, 'token' | 'header'>): string =>
  `${token} ${encodeBase32(header.commitId)}`;

/** A store with a journal, and a consumer that keeps the bytes of every version that it is given. */
async function world({ journal = true, wrap }: { journal?: boolean; wrap?: typeof withoutBatch } = {}) {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, journal, ...(wrap === undefined ? {} : { wrap }) });
  const { engine } = await engineAt(place, clock);
  const kept = new Map<string, string>();
  return {
    clock,
    place,
    store,
    engine,
    kept,
    keep: (change: Change): void => void kept.set(versionId(change), hex(change.record)),
    stored: async (): Promise<Map<string, string>> => {
      const found = new Map<string, string>();
      for (const area of [AREAS.objects, AREAS.history]) {
        for (const name of await namesUnder(engine, area)) {
          const record = (await engine.backend.read(name))?.body;
          if (record === undefined) continue;
          const token = name.slice(area.length).replace(/\.\/@.*$/, '');
          found.set(versionId({ token, header: splitRecord(record).header }), hex(record));
        }
      }
      return found;
    },
  };
}

describe('a consumer of the journal', () => {
  it.each([
    ['keys', 'with batches', undefined],
    ['keys', 'without batches', withoutBatch],
    ['data', 'with batches', undefined],
  ] as const)('[J-13] takes over what a rotation to the depth %s has written, %s', async (depth, _name, wrap) => {
    const { store, engine, kept, keep, stored } = await world(wrap === undefined ? {} : { wrap });
    const consumer = await openConsumer(engine, 'copy');
    expect(await consumer.pass(keep)).toEqual([]);
    for (const key of ['a', 'b', 'gone']) await store.store(key, 'one');
    await store.store('a', 'two');
    await store.delete('gone');
    for (const change of (await consumer.poll()).changes) keep(change);
    expect(kept).toEqual(await stored());
    await store.rotateEncryptionKey(KEY, KEY, { depth });
    const { changes, alarms } = await consumer.poll();
    for (const change of changes) keep(change);
    expect(alarms).toEqual([]);
    expect(kept).toEqual(await stored());
    expect((await consumer.poll()).changes).toEqual([]);
    expect(consumer.passDue).toBe(false);
  });

  it('[J-14] takes it over also when it has looked between its announcement and its writing', async () => {
    const { clock, place, store, engine, kept, keep, stored } = await world();
    await store.store('k', 'one');
    await store.store('k', 'two');
    const consumer = await openConsumer(engine, 'copy');
    await consumer.pass(keep);
    let looks = 0;
    const look = async (): Promise<void> => {
      looks += 1;
      for (const change of (await consumer.poll()).changes) keep(change);
      await consumer.commit();
    };
    const injector = createFaultInjector(({ operation, key }) => {
      const isRewrite = operation === 'batch' || (operation === 'write' && key?.startsWith(AREAS.objects) === true);
      return isRewrite ? { type: 'delay', until: look() } : undefined;
    });
    const rotating = await openAt(place, { clock, layers: [injector.layer] });
    await rotating.rotateEncryptionKey(KEY, KEY);
    expect(looks).toBeGreaterThan(0);
    await look();
    expect(kept).toEqual(await stored());
    expect((await consumer.poll()).changes).toEqual([]);
  });

  it('is told that an object is hidden, though its past is announced', async () => {
    const { place, store, engine, keep } = await world();
    await store.store('k', 'one');
    await store.store('k', 'two');
    const consumer = await openConsumer(engine, 'copy');
    const known = new Map<string, { token: string; commitId: Uint8Array; version: number; deleted: boolean }>();
    await consumer.pass((change) => {
      keep(change);
      const { commitId, version } = change.header;
      known.set(change.token, { token: change.token, commitId, version, deleted: false });
    });
    await consumer.commit();
    const [token = ''] = known.keys();
    await (await attack(place)).remove(objectName(token));
    expect(await namesUnder(engine, historyPrefix(token))).toHaveLength(1);
    await store.rotateEncryptionKey(KEY, KEY);
    const objects = (async function* () {
      yield* known.values();
    })();
    expect(await consumer.pass(keep, { known: objects })).toMatchObject([{ type: 'hidden' }]);
  });
});

describe('what a rotation announces', () => {
  it('is what it writes from when a consumer has registered, though it began before', async () => {
    const { clock, place, store, engine, kept, keep, stored } = await world({ journal: false });
    await store.storeMany(Array.from({ length: 1500 }, (_, n) => ({ key: `k${n}`, data: '' })));
    const register = async (): Promise<Consumer> => {
      const consumer = await openConsumer(engine, 'copy');
      await consumer.pass(keep);
      return consumer;
    };
    let registered: Promise<Consumer> | undefined;
    const injector = createFaultInjector(({ operation }) => {
      if (operation !== 'batch' || registered !== undefined) return undefined;
      registered = register();
      return { type: 'delay', until: registered.then(() => undefined) };
    });
    const rotating = await openAt(place, { clock, layers: [injector.layer] });
    await rotating.rotateEncryptionKey(KEY, KEY);
    for (let more = true; more;) {
      const poll = await registered?.then((consumer) => consumer.poll());
      for (const change of poll?.changes ?? []) keep(change);
      more = poll?.more ?? false;
    }
    const missed = [...(await stored())].filter(([version, record]) => kept.get(version) !== record);
    expect(missed.length).toBeLessThanOrEqual(128);
  });

  it('shares hints, and is nothing where the journal is off', async () => {
    for (const [journal, most] of [
      [true, 4],
      [false, 0],
    ] as const) {
      const { store, engine } = await world({ journal });
      await store.storeMany(Array.from({ length: 100 }, (_, n) => ({ key: `k${n}`, data: '' })));
      const before = journal ? (await hintsAt(engine)).length : 0;
      await store.rotateEncryptionKey(KEY, KEY);
      expect((await hintsAt(engine)).length - before).toBeLessThanOrEqual(most);
    }
  });
});
