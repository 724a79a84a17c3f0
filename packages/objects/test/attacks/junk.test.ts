import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, checkpointPageName, encodeBase32, hintName, markerName, workPrefix } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import type { Attacker } from '../support/attacker.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, patterned, usePlace } from '../support/stores.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

const DAY = 24 * 60 * 60 * 1000;
const SECRET = Buffer.alloc(32, 7);
const ID = Buffer.alloc(16, 9);
const ANY = encodeBase32(ID);
const JUNK = Buffer.from('junk');

/** What looks like an object of the store's own, sealed under the key with this id, and is none. */
function fake(version: number, purpose: number, keyId: Uint8Array = Buffer.alloc(8, 0xee)): Buffer {
  const header = Buffer.from([0x53, 0x53, 0x53, 0x59, version, 1, purpose, 0]);
  return Buffer.concat([header, Buffer.alloc(32, 1), keyId, Buffer.alloc(100, 2)]);
}

interface World {
  readonly place: Place;
  readonly clock: EagerClock;
  readonly store: ObjectStore;
  readonly attacker: Attacker;
}

async function world(journal = false): Promise<World> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, journal });
  for (const key of ['a', 'b']) for (const data of ['1', '2']) await store.store(key, data);
  await store.checkpoint();
  return { place, clock, store, attacker: await attack(place) };
}

const rotate = (store: ObjectStore): ReturnType<ObjectStore['rotateEncryptionKey']> =>
  store.rotateEncryptionKey(SECRET, SECRET);

/** The name under which the state of the rotation lies, with a rotation that was stopped. */
async function stoppedRotation(): Promise<World & { readonly name: string }> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const injector = createFaultInjector();
  const store = await createAt(place, { clock, layers: [injector.layer] });
  await store.store('k', 'x');
  injector.plan(({ operation }) => (operation === 'list' ? { type: 'fail' } : undefined));
  await failure(rotate(store), 'UNAVAILABLE');
  injector.plan(undefined);
  const attacker = await attack(place);
  return { place, clock, store, attacker, name: await attacker.name(workPrefix('job')) };
}

const PLACES_OF_JUNK = [
  ['of a job', workPrefix('job') + ANY, 6],
  ['of a consumer', workPrefix('consumer') + ANY, 5],
  ['of a writer', workPrefix('writer') + ANY, 4],
  ['of a hint', hintName(ID, 0), 3],
  ['of a page of a checkpoint', checkpointPageName(Buffer.alloc(32, 3)), 7],
  ['of a checkpoint to come', `c/7vvvvvvvvvv-${ANY}`, 8],
  ['of no job', 'w/job/zzz', 6],
  ['of no consumer', 'w/consumer/x', 5],
  ['of no writer', 'w/writer/x', 4],
  ['of no work', 'w/foreign/x', 6],
  ['of no hint', 'j/zzz/1', 3],
  ['of no checkpoint', 'c/x', 8],
] as const;

describe.each(PLACES_OF_JUNK)('junk at the name %s', (_what, name, purpose) => {
  const forms: readonly (readonly [string, (store: ObjectStore) => Promise<Buffer>])[] = [
    ['of any bytes', async () => JUNK],
    ['of a newer version', async () => fake(2, purpose)],
    ['that names a key', async (store) => fake(1, purpose, await journalKey(store))],
  ];
  const place = PLACES_OF_JUNK.findIndex(([, one]) => one === name);

  // In a short run one of them.
  it.each(forms.filter((_, at) => LONG || at === place % forms.length))(
    '[Y-06] [Y-07] %s keeps nobody from anything, is named, and goes',
    async (_form, body) => {
      const { clock, store, attacker } = await world();
      await attacker.put(name, await body(store));
      expect(await store.jobs.list()).toEqual([]);
      expect(await store.gc()).toMatchObject({ failed: 0 });
      await store.checkpoint();
      expect(await store.verify()).toMatchObject({ ok: true, foreign: [{ name }] });
      const report = await rotate(store);
      expect(report).toMatchObject({ failed: 0, remaining: {} });
      expect(report.retired).toHaveLength(2);
      // What says that it lies under the key that was replaced is removed with the pages that do.
      const left = (await attacker.names()).includes(name);
      expect(report.foreign).toEqual(left ? [{ name, code: 'INTEGRITY' }] : []);
      if (!left) await attacker.put(name, JUNK);
      await store.encryptionKeys.destroy(report.retired[0] ?? '', { waitingPeriod: 0 });
      clock.advance(10 * DAY);
      await store.store('a', 'later');
      expect((await store.gc()).systemObjects).toBeGreaterThan(0);
      expect(await attacker.names()).not.toContain(name);
      expect(await store.verify()).toMatchObject({ ok: true, foreign: [] });
      expect(await rotate(store)).toMatchObject({ foreign: [] });
    },
  );
});

async function journalKey(store: ObjectStore): Promise<Buffer> {
  const found = (await store.encryptionKeys.list()).find(({ kind }) => kind === 'journal');
  return Buffer.from(found?.id ?? '', 'hex');
}

describe('a key version', () => {
  // T-BACKEND-10
  it('that junk names can be destroyed, at once and when its time has come', async () => {
    const { clock, store, attacker } = await world();
    const [id = ''] = (await rotate(store)).retired;
    const junk = fake(1, 3, Buffer.from(id, 'hex'));
    await attacker.put(hintName(ID, 1), junk);
    await store.encryptionKeys.destroy(id, { waitingPeriod: DAY });
    clock.advance(DAY + 1);
    expect(await store.encryptionKeys.destroyDue()).toEqual({ destroyed: [id], inUse: [], pending: [] });
  });

  it('is kept for a record that can not be read, which is named', async () => {
    const { store, attacker } = await world();
    const [id = ''] = (await rotate(store)).retired;
    await attacker.put('o/junk', JUNK);
    expect((await failure(store.encryptionKeys.destroy(id), 'CONFLICT')).message).toContain('o/junk');
  });

  it('is not kept by genuine hints that somebody puts back into a stream that is gone', async () => {
    const { clock, store, attacker } = await world(true);
    const old = (await attacker.copy()).entries().filter(([name]) => name.startsWith(AREAS.journal));
    for (const name of await attacker.names(workPrefix('writer'))) await attacker.remove(name);
    await store.checkpoint();
    const { remaining } = await rotate(store);
    expect(Object.values(remaining)).toEqual([expect.any(Number)]);
    for (const [name, body] of old) await attacker.put(name, body);
    clock.advance(2 * DAY);
    // What a collection leaves over is retired by it, or by the next rotation.
    await store.gc();
    await rotate(store);
    const [id = ''] = Object.keys(remaining);
    expect((await store.encryptionKeys.list()).find((key) => key.id === id)).toMatchObject({ state: 'disabled' });
  });
});

describe.each([
  ['any bytes', JUNK],
  ['a newer version', fake(2, 6)],
])('%s in the place of the state of a rotation', (_what, body) => {
  it('are a damaged job, which goes on from what the head says', async () => {
    const { store, attacker, name } = await stoppedRotation();
    await attacker.put(name, body);
    expect(await store.jobs.list()).toMatchObject([{ id: 'rotation', state: 'damaged' }]);
    expect(await store.jobs.resume('rotation')).toMatchObject({ failed: 0, foreign: [] });
    expect(await store.jobs.list()).toEqual([]);
    await store.checkpoint();
  });

  it('are a damaged job, which can be forgotten, and then keep nobody from a checkpoint', async () => {
    const { store, attacker, name } = await stoppedRotation();
    await attacker.put(name, body);
    await failure(store.checkpoint(), 'LOCKED');
    await store.jobs.forget('checkpoint');
    await store.jobs.forget('rotation');
    expect(await store.jobs.list()).toEqual([]);
    await store.checkpoint();
  });

  // T-BACKEND-10
  it('are replaced by the next rotation', async () => {
    const { store, attacker, name } = await stoppedRotation();
    await attacker.put(name, body);
    expect(await rotate(store)).toMatchObject({ failed: 0, foreign: [] });
    expect(await attacker.names(workPrefix('job'))).toEqual([]);
  });

  // T-BACKEND-10
  it('are collected when they are old', async () => {
    const { clock, store, attacker, name } = await stoppedRotation();
    await attacker.put(name, body);
    clock.advance(2 * DAY);
    await store.gc();
    expect(await store.jobs.list()).toEqual([]);
  });
});

describe.each([
  ['any bytes', JUNK],
  ['a newer version', fake(2, 5)],
])('%s in the place of the consumer that checkpoints are made by', (_what, body) => {
  it.each([false, true])('are replaced, and an alarm (afresh: %s)', async (afresh) => {
    const { store, attacker } = await world(true);
    const name = await attacker.name(workPrefix('consumer'));
    await attacker.put(name, body);
    expect(await store.gc()).toMatchObject({ failed: 0 });
    await store.store('c', 'x');
    const { findings, objects } = await store.checkpoint({ afresh });
    expect({ alarms: findings, objects }).toEqual({ alarms: [expect.stringContaining(name)], objects: 3 });
    expect(await store.checkpoint()).toMatchObject({ findings: [], examined: 0 });
  });
});

it('a newer version in the next slot of a stream is an alarm, and leads to a look at everything', async () => {
  const { store, attacker } = await world(true);
  await store.store('c', 'x');
  const last = (await attacker.names(AREAS.journal)).at(-1) ?? '';
  const next = last.slice(0, -1) + String.fromCodePoint((last.codePointAt(last.length - 1) ?? 0) + 1);
  await attacker.put(next, fake(2, 3));
  await store.store('d', 'x');
  expect(await store.checkpoint()).toMatchObject({ findings: [expect.stringContaining(next)], objects: 4 });
  expect(await store.checkpoint()).toMatchObject({ findings: [], examined: 0 });
  expect(await store.gc()).toMatchObject({ failed: 0 });
});

describe('junk in the place of a collection marker', () => {
  it.each([
    ['any bytes', JUNK],
    ['a newer version', fake(2, 9)],
  ])('[M-07] (%s) is named, keeps no payload from its record, and goes', async (_what, body) => {
    const { clock, store, attacker } = await world();
    await store.store('large', patterned(100_000));
    const part = await attacker.name(AREAS.blobs);
    const name = AREAS.markers + part.slice(AREAS.blobs.length, part.lastIndexOf('/'));
    await attacker.put(name, body);
    const failures = [{ name, code: 'INTEGRITY' }];
    expect(await store.gc()).toMatchObject({ failed: 1, failures });
    expect(await rotate(store)).toMatchObject({ foreign: failures, remaining: {} });
    clock.advance(2 * DAY);
    await store.store('a', 'later');
    for (let passes = 0; passes < 2; passes++) {
      expect(await store.gc()).toMatchObject({ failed: 0 });
      clock.advance(2 * DAY);
      await store.store('a', 'later');
    }
    expect(await attacker.names(AREAS.markers)).toEqual([]);
    expect(patterned(100_000).equals((await store.retrieve('large')).data)).toBe(true);
  });

  it.each(['g/x', 'g/abc./@x', markerName('abc', ID)])('goes where nothing is (%s)', async (name) => {
    const { clock, store, attacker } = await world();
    await attacker.put(name, JUNK);
    clock.advance(2 * DAY);
    await store.store('a', 'later');
    expect(await store.gc()).toMatchObject({ failed: 0 });
    expect(await attacker.names(AREAS.markers)).toEqual([]);
  });
});

it('a damaged page of the checkpoint that counts stays, and is named', async () => {
  const { clock, store, attacker } = await world();
  const page = (await attacker.names(AREAS.checkpoints)).find((name) => !name.includes('-')) ?? '';
  await attacker.put(page, fake(2, 7));
  clock.advance(2 * DAY);
  await store.store('a', 'later');
  expect(await store.gc()).toMatchObject({ failed: 0 });
  expect(await store.verify()).toMatchObject({ ok: false, findings: [{ kind: 'damaged' }], foreign: [] });
  await store.checkpoint({ afresh: true });
  expect(await store.verify()).toMatchObject({ ok: true, foreign: [] });
});
