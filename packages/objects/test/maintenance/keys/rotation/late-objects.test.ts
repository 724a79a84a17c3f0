import { createFaultInjector } from '@securestore/backend-api';
import { decodeObjectBody, encodeObjectBody, SecureStoreError, splitRecord } from '@securestore/core-format';
import { openRecord, rawKey, sealRecord } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/engine/engine.ts';
import type { ObjectStore } from '../../../../src/index.ts';
import type { Attacked } from '../../../support/attacked.ts';
import { attacked } from '../../../support/attacked.ts';
import { engineAt } from '../../../support/engines.ts';
import { withoutBatch } from '../../../support/places.ts';
import { failure, openAt, patterned, readRange } from '../../../support/stores.ts';

const KEY = Buffer.alloc(32, 8);
const LARGE = patterned(150_000);

async function world(): Promise<Attacked> {
  const made = await attacked();
  await made.store.slots.add(rawKey(KEY));
  return made;
}

/** Stores what gets no answer and reaches the backend only when the process has given up. @returns lets it arrive */
async function storeLate(
  { place, clock }: Attacked,
  key: string,
  data: string | Uint8Array,
): Promise<() => Promise<void>> {
  const raw = await place.open();
  let landing: (() => Promise<unknown>) | undefined;
  const writer = await openAt(place, {
    clock,
    wrap: (inner) =>
      Object.assign(withoutBatch(inner), {
        write: async (...[name, body, options]: Parameters<typeof inner.write>) => {
          if (!name.startsWith('o/')) return inner.write(name, body, options);
          if (landing !== undefined) throw new SecureStoreError('UNAVAILABLE', 'the network is down');
          const sent = Uint8Array.from(body);
          landing = () => raw.write(name, sent, { ...options, signal: undefined });
          throw new SecureStoreError('TIMEOUT', 'no answer', { outcome: 'unknown' });
        },
      }),
  });
  expect((await failure(writer.store(key, data), 'UNAVAILABLE')).outcome).toBe('unknown');
  return async () => void (await landing?.());
}

const rotate = ({ store }: Attacked) => store.rotateEncryptionKey(KEY, KEY);

/** An object that has landed only after its key version was retired. */
async function landed(data: string | Uint8Array = 'late'): Promise<Attacked> {
  const made = await world();
  const land = await storeLate(made, 'k', data);
  expect((await rotate(made)).retired).not.toEqual([]);
  await land();
  return made;
}

describe('a new object that lands only when its key version has been retired', () => {
  it('is refused by readers, who say what it is and what to do', async () => {
    const { store } = await landed();
    for (const call of [store.retrieve('k'), store.has('k'), store.setMetadata('k', {})]) {
      const { message, advice } = await failure(call, 'INTEGRITY');
      expect(message).toMatch(/encrypted with a retired encryption key.*never acknowledged/);
      expect(advice).toEqual([{ id: 'store-again', key: 'k' }]);
    }
  });

  it.each([{}, { ifAbsent: true }])('[R-21] is replaced by what is stored there: %o', async (options) => {
    const { place, clock, store } = await landed();
    const fresh = await openAt(place, { clock, unlock: rawKey(KEY) });
    const { version } = await fresh.store('k', 'mine', options);
    expect((await store.retrieve('k')).text()).toBe('mine');
    expect(await store.history('k')).toMatchObject([{ version, current: true }]);
    expect(await store.verify()).toMatchObject({ ok: true });
  });

  it('meets no condition on a version', async () => {
    const { store } = await landed();
    const { version } = await store.store('other', 'x');
    await failure(store.store('k', 'mine', { ifVersion: version }), 'CONFLICT');
    await failure(store.delete('k', { ifVersion: version }), 'CONFLICT');
  });

  it('is removed by a deletion, as something that never was', async () => {
    const { store } = await landed();
    expect(await store.delete('k')).toBe(false);
    expect(await store.has('k')).toBe(false);
    await failure(store.undelete('k'), 'NOT_FOUND');
    expect(await store.verify()).toMatchObject({ ok: true });
  });

  it('gives way to a large object, and stands in the way of no further rotation then', async () => {
    const made = await landed(LARGE);
    expect(await rotate(made)).toMatchObject({ failed: 1, retired: [] });
    await made.store.store('k', LARGE);
    expect(await rotate(made)).toMatchObject({ failed: 0 });
    expect((await readRange(made.store, 'k')).equals(LARGE)).toBe(true);
  });

  it('is replaced also where its key version has been destroyed', async () => {
    const made = await world();
    const { store } = made;
    const land = await storeLate(made, 'k', 'late');
    await rotate(made);
    const retired = (await store.encryptionKeys.list()).find(
      ({ kind, state }) => kind === 'category' && state === 'disabled',
    );
    await store.encryptionKeys.destroy(retired?.id ?? '', { waitingPeriod: 0 });
    await land();
    await failure(store.retrieve('k'), 'KEY_DESTROYED');
    await store.store('k', 'mine');
    expect((await store.retrieve('k')).text()).toBe('mine');
  });
});

/** What lay there before a rotation is put back: the work of one who has the old keys. */
async function planted(): Promise<Attacked> {
  const made = await world();
  const { store, attacker } = made;
  await store.store('k', 'one');
  await store.store('k', 'two');
  const name = await attacker.name('o/');
  const old = await attacker.get(name);
  await rotate(made);
  await attacker.put(name, old);
  await failure(store.retrieve('k'), 'INTEGRITY');
  return made;
}

/** A writer whose write of a record takes as long as a rotation; then, before it has its answer, `act` is done. */
async function slowWriter(made: Attacked, act: (engine: Engine) => Promise<void>): Promise<ObjectStore> {
  const injector = createFaultInjector();
  const before = await engineAt(made.place, made.clock);
  const writer = await openAt(made.place, { clock: made.clock, layers: [injector.layer] });
  injector.plan(({ operation, key }) => {
    if (operation !== 'write' || key?.startsWith('o/') !== true) return undefined;
    injector.plan(({ operation: next, key: name }) => {
      if (next !== 'read' || name?.startsWith('o/') !== true) return undefined;
      injector.plan(undefined);
      return { type: 'delay', until: act(before.engine) };
    });
    return { type: 'delay', until: Promise.resolve(made.store.rotateEncryptionKey(KEY, KEY)).then(() => undefined) };
  });
  return writer;
}

/** The same commit with other contents, sealed under the keys of before a rotation. */
function forged({ random, monitor }: Engine, record: Buffer): Buffer {
  const { header } = splitRecord(record);
  const { primary } = monitor.state.keys.category(header.categoryId);
  const opened = openRecord(splitRecord(record), primary);
  const body = { ...decodeObjectBody(opened), payload: { kind: 'inline' as const, data: Buffer.from('evil') } };
  return sealRecord(primary, header, encodeObjectBody(body), random);
}

describe('a writer that waits for its object while its key version is retired', () => {
  it('brings it under the new one', async () => {
    const made = await world();
    const writer = await slowWriter(made, async () => undefined);
    await writer.store('k', 'mine');
    expect((await made.store.retrieve('k')).text()).toBe('mine');
  });

  it('takes nothing else for it that somebody with the retired key puts there', async () => {
    const made = await world();
    const { store, attacker } = made;
    const writer = await slowWriter(made, async (engine) => {
      const name = await attacker.name('o/');
      await attacker.put(name, forged(engine, await attacker.get(name)));
    });
    expect(await failure(writer.store('k', 'mine'), 'UNAVAILABLE')).toMatchObject({ outcome: 'unknown' });
    await failure(store.retrieve('k'), 'INTEGRITY');
    await writer.store('k', 'mine', { ifAbsent: true });
    expect((await store.retrieve('k')).text()).toBe('mine');
  });
});

describe('a record under a retired key that somebody puts in the place of another', () => {
  // T-BACKEND-09
  it('[R-21] comes into no history when it is replaced, and leaves a hole that shows', async () => {
    const { store } = await planted();
    const { version } = await store.store('k', 'three');
    const history = await store.history('k');
    expect(history).toMatchObject([{ version }, { current: false }]);
    expect((await store.retrieve('k', { version: history[1]?.version })).text()).toBe('one');
    expect((await store.verify()).findings).toMatchObject([{ kind: 'history' }]);
  });

  it('can be deleted without the versions before it', async () => {
    const { store } = await planted();
    await store.delete('k');
    expect(await store.has('k')).toBe(false);
    await store.undelete('k');
    expect((await store.retrieve('k')).text()).toBe('one');
  });
});

it('a reader who learns of the rotation only beside its read does not return what is refused by then', async () => {
  const made = await world();
  const reader = await openAt(made.place, { clock: made.clock, unlock: rawKey(KEY) });
  const land = await storeLate(made, 'k', 'late');
  await rotate(made);
  await land();
  expect((await failure(reader.retrieve('k'), 'INTEGRITY')).message).toContain('a retired encryption key');
});

it.each([
  ['a small object', 'mine'],
  ['a large object', LARGE],
])(
  'a process that was idle does not find it in the way of %s that is to be stored where nothing is',
  async (_, data) => {
    const made = await world();
    const idle = await openAt(made.place, { clock: made.clock, unlock: rawKey(KEY) });
    const land = await storeLate(made, 'k', 'late');
    await rotate(made);
    await land();
    await idle.store('k', data, { ifAbsent: true });
    expect((await readRange(made.store, 'k')).equals(Buffer.from(data))).toBe(true);
  },
);

it('a writer whose object was replaced without a trace, since it landed too late, is not told that it is stored', async () => {
  const made = await world();
  const injector = createFaultInjector();
  const { place, clock, store } = made;
  const writer = await openAt(place, { clock, unlock: rawKey(KEY), wrap: withoutBatch, layers: [injector.layer] });
  let calls = 0;
  injector.plan(({ operation, key }) => {
    if (operation === 'write' && key?.startsWith('o/') === true && calls++ === 0) {
      return { type: 'delay', until: Promise.resolve(rotate(made)).then(() => undefined) };
    }
    if (operation === 'read' && calls === 1) {
      calls += 1;
      return { type: 'delay', until: store.delete('k').then(() => undefined) };
    }
    return undefined;
  });
  const error = await failure(writer.store('k', 'late'), 'UNAVAILABLE');
  expect(error.outcome).toBe('unknown');
  await failure(store.retrieve('k'), 'NOT_FOUND');
});
