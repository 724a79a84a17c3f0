import { setTimeout as sleep } from 'node:timers/promises';
import { SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import type { Attacker } from '../support/attacker.ts';
import { attack, flipped } from '../support/attacker.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, patterned, readRange, usePlace } from '../support/stores.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

async function prepared(): Promise<{ store: ObjectStore; attacker: Attacker }> {
  const place = usePlace(memoryPlace);
  const store = await createAt(place, { categories: { secrets: ['secret/**'] } });
  return { store, attacker: await attack(place) };
}

/**
 * Every way of reading `key` must refuse it, naming it.
 *
 * @param turn of many such records, which one it is: a short run asks in one way of each, in turn
 */
async function expectRefused(store: ObjectStore, key: string, note: string, turn?: number): Promise<void> {
  const ways = [
    () => store.retrieve(key),
    () => readRange(store, key),
    () => store.info(key),
    () => store.has(key),
    () => store.history(key),
    () => store.setMetadata(key, {}),
    () => store.store(key, 'x'),
  ];
  const calls = LONG || turn === undefined ? ways : ways.filter((_, at) => at === turn % ways.length);
  for (const call of calls) {
    const error: unknown = await call().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!SecureStoreError.is(error)) throw new Error(`${note}: not refused`, { cause: error });
    expect(['INTEGRITY', 'FORMAT_VERSION'], `${note}: ${error.message}`).toContain(error.code);
    expect(error).toMatchObject({ key, retryable: false });
  }
}

/** Puts a version of `from` where one of `to` with that number would be. @returns where */
async function misplace(attacker: Attacker, from: string, to: string): Promise<string> {
  const moved = to.slice(0, to.lastIndexOf('@') + 1) + from.slice(from.lastIndexOf('@') + 1);
  await attacker.put(moved, await attacker.get(from));
  return moved;
}

describe('a record', () => {
  // T-BACKEND-01
  it('with any bit pattern of any byte changed is refused', async () => {
    const { store, attacker } = await prepared();
    await store.store('k', 'payload', { metadata: { a: 1 }, expires: new Date(Date.now() + 1e9) });
    const name = await attacker.name('o/');
    const record = await attacker.get(name);
    for (let at = 0; at < record.length; at++) {
      for (const bit of [at % 8, (at + 3) % 8]) {
        await attacker.put(name, flipped(record, at, bit));
        await expectRefused(store, 'k', `byte ${at}, bit ${bit}`, 2 * at + bit);
      }
    }
    await attacker.put(name, record);
    expect((await store.retrieve('k')).text()).toBe('payload');
  });

  // T-BACKEND-01
  it('that is cut or extended anywhere is refused', async () => {
    const { store, attacker } = await prepared();
    await store.store('k', 'payload');
    const name = await attacker.name('o/');
    const record = await attacker.get(name);
    for (let length = 0; length < record.length; length++) {
      await attacker.put(name, record.subarray(0, length));
      await failure(store.retrieve('k'), 'INTEGRITY');
    }
    for (const extra of [1, 16, 1000]) {
      await attacker.put(name, Buffer.concat([record, Buffer.alloc(extra)]));
      await failure(store.retrieve('k'), 'INTEGRITY');
    }
  });

  // T-BACKEND-01
  it('of a deletion with any byte changed is refused', async () => {
    const { store, attacker } = await prepared();
    await store.store('k', 'payload');
    await store.delete('k');
    const name = await attacker.name('o/');
    const record = await attacker.get(name);
    for (let at = 0; at < record.length; at++) {
      await attacker.put(name, flipped(record, at));
      await expectRefused(store, 'k', `byte ${at}`, at);
    }
  });

  it('that is damaged can be purged, and the name used again', async () => {
    const { store, attacker } = await prepared();
    const { version } = await store.store('k', patterned(100_000));
    const name = await attacker.name('o/');
    const record = await attacker.get(name);
    for (const damage of [
      flipped(record, 30),
      record.subarray(0, 10),
      flipped(record, record.length - 1),
      Buffer.alloc(0),
    ]) {
      await attacker.put(name, damage);
      expect(await store.purge('k')).toBe(true);
      expect(await store.has('k')).toBe(false);
      expect((await store.store('k', 'anew')).version > version).toBe(true);
    }
  });

  // T-BACKEND-02
  it('is refused under every name but its own', async () => {
    const { store, attacker } = await prepared();
    for (const key of ['a', 'b', 'folder/a', 'secret/a']) await store.store(key, `value of ${key}`);
    const names = await attacker.names('o/');
    for (const from of names) {
      for (const to of names) {
        if (from === to) continue;
        await attacker.swap(from, to);
        const results = await store.retrieveMany(['a', 'b', 'folder/a', 'secret/a']);
        const values = results.flatMap((result) => (result.ok ? [[result.key, result.value.text()]] : []));
        expect(values).toHaveLength(2);
        for (const [key, value] of values) expect(value).toBe(`value of ${key}`);
        for (const result of results)
          if (!result.ok) expect(result.error).toMatchObject({ code: 'INTEGRITY', key: result.key });
        await attacker.swap(from, to);
      }
    }
  });

  it('with a name too long for the backend is bound to it too', async () => {
    const { store, attacker } = await prepared();
    const [first, second] = ['l'.repeat(300), 'm'.repeat(300)];
    await store.store(first, 'first');
    await store.store(second, 'second');
    const [a = '', b = ''] = await attacker.names('o/');
    await attacker.swap(a, b);
    await failure(store.retrieve(first), 'INTEGRITY');
    await failure(store.list(), 'INTEGRITY');
    await attacker.put(a, await attacker.get(b));
    await failure(store.list(), 'INTEGRITY');
  });

  // T-BACKEND-02
  it('of another store is refused', async () => {
    const { store, attacker } = await prepared();
    const other = await prepared();
    await store.store('k', 'mine');
    await other.store.store('k', 'theirs');
    await attacker.put(await attacker.name('o/'), await other.attacker.get(await other.attacker.name('o/')));
    await failure(store.retrieve('k'), 'INTEGRITY');
  });

  it('of a deletion in the place of another object is refused', async () => {
    const { store, attacker } = await prepared();
    await store.store('gone', 'x');
    await store.delete('gone');
    const tombstone = await attacker.get(await attacker.name('o/'));
    await store.store('k', 'x');
    for (const name of await attacker.names('o/')) await attacker.put(name, tombstone);
    await failure(store.retrieve('k'), 'INTEGRITY');
    await failure(store.undelete('k'), 'INTEGRITY');
  });
});

describe('a name that the store did not make', () => {
  it.each(['o/zz', 'o/0', 'o/~zz', `o/${'0'.repeat(40)}`, 'o/a/b/c', 'o/-'])(
    '%s is refused by a listing',
    async (name) => {
      const { store, attacker } = await prepared();
      await store.store('k', 'x');
      await attacker.put(name, await attacker.get(await attacker.name('o/')));
      await failure(store.list(), 'INTEGRITY');
      expect((await store.retrieve('k')).text()).toBe('x');
    },
  );
});

describe('the history', () => {
  // T-BACKEND-04
  it('with entries exchanged, renamed or damaged is refused', async () => {
    const { store, attacker } = await prepared();
    const infos = [];
    for (const text of ['one', 'two', 'three', 'four']) infos.push(await store.store('k', text));
    const [newest = '', middle = '', oldest = ''] = await attacker.names('h/');
    const copy = await attacker.copy();
    const version = infos[0]?.version ?? '';

    await attacker.swap(newest, oldest);
    await failure(store.history('k'), 'INTEGRITY');
    await failure(store.retrieve('k', { version }), 'INTEGRITY');
    await failure(store.restoreVersion('k', version), 'INTEGRITY');
    await attacker.restore(copy);

    await attacker.put(oldest, await attacker.get(middle));
    await failure(store.retrieve('k', { version }), 'INTEGRITY');
    await attacker.restore(copy);

    await attacker.put(`${oldest}0`, await attacker.get(oldest));
    await failure(store.history('k'), 'INTEGRITY');
    await attacker.restore(copy);

    const body = await attacker.get(oldest);
    for (let at = 0; at < body.length; at += 7) {
      await attacker.put(oldest, flipped(body, at));
      const error = await store.retrieve('k', { version }).catch((reason: unknown) => reason);
      expect(error, `byte ${at}`).toMatchObject({ code: expect.stringMatching(/^(INTEGRITY|FORMAT_VERSION)$/) });
    }
    expect((await store.retrieve('k')).text()).toBe('four');
  });

  // T-BACKEND-04
  it('of one object is refused as that of another', async () => {
    const { store, attacker } = await prepared();
    await store.store('b', 'one');
    await sleep(2);
    await store.store('a', 'one');
    await store.store('a', 'two');
    const own = await attacker.name('h/');
    await sleep(2);
    await store.store('b', 'two');
    const other = (await attacker.names('h/')).find((name) => name !== own) ?? '';
    await misplace(attacker, own, other);
    await failure(store.history('b'), 'INTEGRITY');
  });

  it('from before there was an object is none of it, and verify names it', async () => {
    const { store, attacker } = await prepared();
    await store.store('a', 'one');
    await store.store('a', 'two');
    const own = await attacker.name('h/');
    await sleep(2);
    await store.store('b', 'one');
    await store.store('b', 'two');
    const other = (await attacker.names('h/')).find((name) => name !== own) ?? '';
    const moved = await misplace(attacker, own, other);
    expect(await store.history('b')).toHaveLength(2);
    const { findings } = await store.verify();
    expect(findings.map(({ name }) => name)).toContain(moved);
  });
});
