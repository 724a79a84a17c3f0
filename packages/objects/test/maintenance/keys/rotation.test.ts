import { recordKeyId, splitRecord } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectStore, RotationDepth } from '../../../src/index.ts';
import { EagerClock } from '../../support/eager-clock.ts';
import { CLOCKED_PLACES, memoryPlace } from '../../support/places.ts';
import type { Place } from '../../support/places.ts';
import { createAt, failure, openAt, patterned, readRange, usePlace } from '../../support/stores.ts';
import { LONG } from '../../../../../tools/campaigns/src/size.ts';

const OLD = Buffer.alloc(32, 7);
const NEW = Buffer.alloc(32, 8);
const LARGE = 5 * 1024 * 1024;

async function filled(store: ObjectStore): Promise<void> {
  await store.storeMany(Array.from({ length: 40 }, (_, n) => ({ key: `small/${n}`, data: `data ${n}` })));
  await store.store('large', patterned(LARGE));
  await store.store('changed', 'one');
  await store.store('changed', 'two');
  await store.store('gone', 'was here');
  await store.delete('gone');
  await store.setMetadata('large', { labelled: true });
}

async function isIntact(store: ObjectStore): Promise<void> {
  const read = await store.retrieveMany(Array.from({ length: 40 }, (_, n) => `small/${n}`));
  expect(read.map((item) => item.ok && item.value.text())).toEqual(read.map((_, n) => `data ${n}`));
  expect((await readRange(store, 'large')).equals(patterned(LARGE))).toBe(true);
  expect((await store.info('large')).metadata).toEqual({ labelled: true });
  const [newest, oldest] = await store.history('changed');
  expect((await store.retrieve('changed', { version: newest?.version })).text()).toBe('two');
  expect((await store.retrieve('changed', { version: oldest?.version })).text()).toBe('one');
  await failure(store.retrieve('gone'), 'NOT_FOUND');
}

/** All records by name. */
async function recordsOf(place: Place): Promise<Map<string, Buffer>> {
  const backend = await place.open();
  const records = new Map<string, Buffer>();
  for (const area of ['o/', 'h/']) {
    for (const { key } of (await backend.list(area)).entries) {
      const found = await backend.read(key);
      if (found !== undefined) records.set(key, Buffer.from(found.body));
    }
  }
  return records;
}

// In a short run in memory, and on one of the others.
describe.each(CLOCKED_PLACES.filter(([name]) => LONG || name !== 'sqlite'))(
  'rotating the keys of a store on %s',
  (_name, make) => {
    it.each(['unlock', 'keys', 'data'] as const)('to the depth "%s" keeps every object', async (depth) => {
      const clock = new EagerClock();
      const place = usePlace(() => make(clock));
      const store = await createAt(place, { clock });
      await filled(store);
      const before = await recordsOf(place);
      const versions = (await store.history('changed')).map(({ version }) => version);
      const report = await store.rotateEncryptionKey(OLD, NEW, { depth });
      const looked = depth === 'unlock' ? 0 : before.size;
      expect(report).toMatchObject({ depth, examined: looked, rotated: looked, failed: 0, failures: [] });
      await isIntact(store);
      expect((await store.history('changed')).map(({ version }) => version)).toEqual(versions);
      await failure(openAt(place, { clock }), 'UNLOCK_FAILED');
      await isIntact(await openAt(place, { clock, unlock: rawKey(NEW) }));
      const after = await recordsOf(place);
      expect([...after.keys()]).toEqual([...before.keys()]);
      for (const [name, record] of after) {
        const old = before.get(name) ?? expect.fail(`${name} is new`);
        const [a, b] = [splitRecord(old), splitRecord(record)];
        expect(recordKeyId(record).equals(recordKeyId(old)), name).toBe(depth === 'unlock');
        // Only `data` seals anything anew; a re-wrapped record differs in its wrapped key alone.
        const same =
          Buffer.from(a.sealedBody).equals(b.sealedBody) &&
          Buffer.compare(a.envelope.commitment, b.envelope.commitment) === 0;
        expect(same, name).toBe(depth !== 'data');
      }
      const states = await store.encryptionKeys.list();
      const shape = depth === 'unlock' ? ['primary'] : ['disabled', 'primary'];
      expect(states.filter(({ kind }) => kind === 'category').map(({ state }) => state)).toEqual(shape);
      if (depth !== 'unlock') expect(report.retired).toHaveLength(2);
    });
  },
);

async function world(): Promise<{ place: Place; clock: EagerClock; store: ObjectStore }> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  return { place, clock, store: await createAt(place, { clock }) };
}

describe('a rotation', () => {
  it.each(['unlock', 'keys', 'data'] satisfies RotationDepth[])(
    'to the depth "%s" by a secret that opens nothing is UNLOCK_FAILED and changes nothing',
    async (depth) => {
      const { place, clock, store } = await world();
      await store.store('k', 'x');
      await failure(store.rotateEncryptionKey(NEW, OLD, { depth }), 'UNLOCK_FAILED');
      expect((await (await openAt(place, { clock })).retrieve('k')).text()).toBe('x');
      expect((await store.encryptionKeys.list()).map(({ state }) => state)).toEqual(['primary', 'primary']);
      await failure(store.jobs.forget('rotation'), 'NOT_FOUND');
    },
  );

  it('is followed by another process whose slot stays, without being asked', async () => {
    const { place, clock, store } = await world();
    await store.slots.add(rawKey(Buffer.alloc(32, 9)));
    const other = await openAt(place, { clock, unlock: rawKey(Buffer.alloc(32, 9)) });
    await other.store('k', 'before');
    await store.rotateEncryptionKey(OLD, NEW);
    await store.store('k', 'between');
    expect((await other.retrieve('k')).text()).toBe('between');
    const info = await other.store('k', 'after');
    expect(info.keyVersion).toBe((await store.info('k')).keyVersion);
    expect((await store.retrieve('k')).text()).toBe('after');
  });

  it.each([
    ['throws', () => Promise.reject(new TypeError('of the caller'))],
    ['rejects with no error', () => Promise.reject('of the caller')],
    ['gives nothing', async () => undefined as never],
  ])('with a secret that %s says which call failed', async (_, secret) => {
    const { place, clock, store } = await world();
    const wrong = { type: 'rawKey', secret } as const;
    const error = await store.rotateEncryptionKey(OLD, wrong).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'SecureStoreError', code: 'INTERNAL', operation: 'rotateEncryptionKey' });
    expect(await openAt(place, { clock })).toBeDefined();
  });

  it('to a secret that opens the store already keeps its slot, and makes no other that would be left behind', async () => {
    const { place, clock, store } = await world();
    const { id } = await store.slots.add(rawKey(NEW));
    const other = await openAt(place, { clock, unlock: rawKey(NEW) });
    await store.rotateEncryptionKey(OLD, NEW);
    expect(await store.slots.list()).toMatchObject([{ id, method: 'rawKey', current: true }]);
    await store.store('k', 'by the one that rotated');
    await other.store('k', 'by the one that was there');
    expect((await store.retrieve('k')).text()).toBe('by the one that was there');
    await failure(openAt(place, { clock }), 'UNLOCK_FAILED');
  });

  it('looks at the records once where only hints of the journal lie under an old key', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock, journal: true });
    await store.store('k', 'x');
    const job = store.rotateEncryptionKey(OLD, NEW);
    const phases = new Set<string>();
    for await (const { phase } of job.progress) phases.add(phase);
    const report = await job;
    expect([...phases].filter((phase) => phase.startsWith('re-keying, pass'))).toEqual([]);
    expect(report).toMatchObject({ examined: 1, rotated: 1, failed: 0 });
    const [journal] = (await store.encryptionKeys.list()).filter(({ kind }) => kind === 'journal');
    expect(Object.keys(report.remaining)).toEqual([journal?.id]);
  });

  it('leaves a process whose slot is gone without writes (LOCKED), and reading what it has the keys for', async () => {
    const { place, clock, store } = await world();
    const other = await openAt(place, { clock });
    await other.store('k', 'before');
    await store.rotateEncryptionKey(OLD, NEW, { depth: 'unlock' });
    await clock.sleep(5000);
    expect((await other.retrieve('k')).text()).toBe('before');
    await failure(other.store('k', 'after'), 'LOCKED');
    await store.rotateEncryptionKey(NEW, Buffer.alloc(32, 9));
    await store.store('new', 'x');
    await clock.sleep(5000);
    await failure(other.retrieve('new'), 'LOCKED');
  });

  it('tells a process whose slot is gone LOCKED where it meets objects of the store under newer keys', async () => {
    const { place, clock, store } = await world();
    const other = await openAt(place, { clock });
    await store.rotateEncryptionKey(OLD, NEW);
    const job = store.checkpoint();
    for await (const { phase } of job.progress) if (phase !== 'waiting') job.cancel();
    await failure(Promise.resolve(job), 'ABORTED');
    await clock.sleep(5000);
    await failure(other.jobs.list(), 'LOCKED');
  });
});

describe('the removal of a slot', () => {
  it('leaves a process that opened the store by it without writes (LOCKED) once it is reported', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock });
    const { id } = await store.slots.add(NEW);
    const guest = await openAt(place, { clock, unlock: rawKey(NEW) });
    await guest.store('k', 'before');
    await store.slots.remove(id);
    await failure(guest.store('other', 'after'), 'LOCKED');
    expect((await guest.retrieve('k')).text()).toBe('before');
    await failure(openAt(place, { clock, unlock: rawKey(NEW) }), 'UNLOCK_FAILED');
  });
});
