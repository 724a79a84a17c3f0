import { historyName, SecureStoreError, splitRecord } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { attack, flipped } from '../support/attacker.ts';
import type { Attacked } from '../support/attacked.ts';
import { attacked } from '../support/attacked.ts';
import { EagerClock } from '../support/eager-clock.ts';
import { PLACES, withoutBatch } from '../support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../support/stores.ts';

const MINUTE = 60_000;

/** Damages the only object. @returns its record as it was */
async function damage({ attacker }: Attacked, how = (body: Buffer): Buffer => flipped(body, body.length - 1)) {
  const name = await attacker.name('o/');
  const record = await attacker.get(name);
  await attacker.put(name, how(record));
  return record;
}

const numberOf = (version: string): string => version.slice(0, version.indexOf('-'));
const texts = async (store: ObjectStore): Promise<(string | undefined)[]> => {
  const entries = await store.history('k');
  return Promise.all(
    entries.map(async ({ version, deleted }) =>
      deleted ? undefined : (await store.retrieve('k', { version })).text(),
    ),
  );
};

describe('a damaged current record', () => {
  it('is in the way of every change, which says what to do and leaves it as it is', async () => {
    const all = await attacked();
    const { store, attacker } = all;
    await store.store('k', 'one');
    await damage(all);
    const lies = await attacker.get(await attacker.name('o/'));
    for (const call of [
      () => store.store('k', 'x'),
      () => store.store('k', patterned(100_000)),
      () => store.store('k', 'x', { ifAbsent: true }),
      () => store.delete('k'),
      () => store.setMetadata('k', {}),
    ]) {
      const { message, advice } = await failure(call(), 'INTEGRITY');
      expect(message).toMatch(/: the record is damaged: .*\. The object was left as it is\.$/);
      expect(advice).toEqual([
        { id: 'repair-object', key: 'k' },
        { id: 'restore-object', key: 'k' },
        { id: 'overwrite-damaged', key: 'k' },
      ]);
    }
    expect(await attacker.get(await attacker.name('o/'))).toEqual(lies);
  });

  it.each([
    ['the seal', (body: Buffer) => flipped(body, body.length - 1)],
    ['the header', (body: Buffer) => flipped(body, 0)],
    ['all', () => Buffer.alloc(3)],
  ])('says how to repair it when it is read: damage of %s', async (_, how) => {
    const all = await attacked();
    const { store } = all;
    await store.store('k', 'one');
    await damage(all, how);
    for (const call of [() => store.retrieve('k'), () => store.info('k'), () => store.history('k')]) {
      const { advice } = await failure(call(), 'INTEGRITY');
      expect(advice).toEqual([
        { id: 'repair-object', key: 'k' },
        { id: 'restore-object', key: 'k' },
      ]);
    }
  });

  it('and a damaged payload says so, too', async () => {
    const { store, attacker } = await attacked();
    await store.store('k', patterned(300_000));
    const name = await attacker.name('b/');
    const part = await attacker.get(name);
    const advice = [
      { id: 'repair-object', key: 'k' },
      { id: 'restore-object', key: 'k' },
    ];
    for (const damaged of [flipped(part, part.length - 1), flipped(part, 0), part.subarray(0, 1000)]) {
      await attacker.put(name, damaged);
      expect(await failure(store.retrieve('k'), 'INTEGRITY')).toMatchObject({ advice });
      const { stream } = await store.retrieveStream('k');
      expect(await failure(Array.fromAsync(stream), 'INTEGRITY')).toMatchObject({ advice });
    }
  });

  it.each(PLACES)('is replaced by who says so, and its history goes on: %s', async (_, make) => {
    const place = usePlace(make);
    const store = await createAt(place);
    const attacker = await attack(place);
    await store.store('k', 'one');
    await store.store('k', 'two');
    const { version } = await store.store('k', patterned(100_000));
    const name = await attacker.name('o/');
    await attacker.put(name, flipped(await attacker.get(name), 300));
    const stored = await store.store('k', 'new', { ifDamaged: true });
    expect(numberOf(stored.version) > numberOf(version)).toBe(true);
    expect(await texts(store)).toEqual(['new', 'two', 'one']);
    expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, findings: [] });
    await store.store('k', 'next');
    expect(await texts(store)).toEqual(['next', 'new', 'two', 'one']);
    expect(await store.verify()).toMatchObject({ ok: true, findings: [] });
  });

  it('is replaced whatever is wrong with it', async () => {
    const all = await attacked();
    const { store, attacker } = all;
    await store.store('k', 'one');
    await store.store('other', 'x');
    await store.delete('other');
    await store.purge('other');
    const [name = ''] = await attacker.names('o/');
    const other = (await attacker.names('o/')).find((found) => found !== name) ?? '';
    const mine = (await attacker.get(name)).length > (await attacker.get(other)).length ? name : other;
    const length = (await attacker.get(mine)).length;
    const changes: ((body: Buffer) => Buffer)[] = [
      (body) => body.subarray(0, 10),
      () => Buffer.alloc(0),
      (body) => Buffer.concat([body, Buffer.alloc(7)]),
      ...Array.from({ length: 40 }, (_, index) => (body: Buffer) => flipped(body, Math.floor((index * length) / 40))),
    ];
    for (const change of changes) {
      await attacker.put(mine, change(await attacker.get(mine)));
      const result = await store.store('k', 'one', { ifDamaged: true }).catch((error: unknown) => error);
      // What another release may have written is for that to judge.
      if (result instanceof Error) {
        expect(result).toMatchObject({ code: 'FORMAT_VERSION' });
        await store.purge('k');
        await store.store('k', 'one');
      }
      expect((await store.retrieve('k')).text()).toBe('one');
    }
    expect(await store.verify()).toMatchObject({ ok: true, findings: [] });
  });

  it('only: what is sound is a CONFLICT, and so is nothing', async () => {
    const all = await attacked();
    const { store, place, clock } = all;
    const { version } = await store.store('k', 'one');
    for (const by of [store, await openAt(place, { clock })]) {
      expect((await failure(by.store('k', 'x', { ifDamaged: true }), 'CONFLICT')).currentVersion).toBe(version);
      await failure(by.store('none', 'x', { ifDamaged: true }), 'CONFLICT');
    }
    expect((await store.retrieve('k')).text()).toBe('one');
    for (const others of [{ ifAbsent: true }, { ifVersion: version }]) {
      const { message } = await failure(
        store.store('k', 'x', { ...others, ifDamaged: true } as never),
        'INVALID_ARGUMENT',
      );
      expect(message).toMatch(/exclude each other/);
    }
    await failure(store.store('k', 'x', { ifDamaged: 1 as never }), 'INVALID_ARGUMENT');
  });

  it('is replaced once where the answer is lost', async () => {
    const all = await attacked();
    const { place, clock, store } = all;
    await store.store('k', 'one');
    await store.store('k', 'two');
    await damage(all);
    let lost = 0;
    const other = await openAt(place, {
      clock,
      wrap: (inner) =>
        Object.assign(withoutBatch(inner), {
          write: async (...args: Parameters<typeof inner.write>) => {
            const written = await inner.write(...args);
            if (!args[0].startsWith('o/') || lost++ > 0) return written;
            throw new SecureStoreError('TIMEOUT', 'no answer', { outcome: 'unknown' });
          },
        }),
    });
    const { version } = await other.store('k', 'new', { ifDamaged: true });
    expect(lost).toBe(1);
    expect((await store.history('k'))[0]).toMatchObject({ version, current: true });
    expect(await texts(store)).toEqual(['new', 'one']);
  });
});

describe('whoever damages a record to have it replaced', () => {
  // T-BACKEND-16
  it('[R-25] can not put the one back that was acknowledged, though a clock ran ahead', async () => {
    for (const scramble of [
      // All of it, its number too.
      (body: Buffer) => Buffer.alloc(body.length, 1),
      (body: Buffer) => flipped(body, body.length - 1),
    ]) {
      const all = await attacked();
      const { place, clock, store, attacker } = all;
      await store.store('k', 'one');
      const ahead = await openAt(place, { clock: shifted(clock, 9 * MINUTE) });
      await ahead.store('k', 'two');
      await store.checkpoint();
      const acknowledged = await damage(all, scramble);
      await store.store('k', 'three', { ifDamaged: true });
      await store.checkpoint();
      expect(await store.verify()).toMatchObject({ ok: true, findings: [] });
      await attacker.put(await attacker.name('o/'), acknowledged);
      const { findings } = await store.verify();
      expect(findings).toMatchObject([{ kind: 'rolled-back', key: 'k' }]);
    }
  });

  it('[R-25] can not put it back either where its header alone, or the history, tells its number', async () => {
    const all = await attacked();
    const { place, clock, store, attacker } = all;
    const ahead = await openAt(place, { clock: shifted(clock, 9 * MINUTE) });
    const { version } = await ahead.store('k', 'one');
    await damage(all);
    const byHeader = await store.store('k', 'two', { ifDamaged: true });
    expect(numberOf(byHeader.version) > numberOf(version)).toBe(true);
    await store.store('k', 'three');
    await damage(all, () => Buffer.from('nothing at all'));
    const byHistory = await store.store('k', 'four', { ifDamaged: true });
    expect(numberOf(byHistory.version) > numberOf(byHeader.version)).toBe(true);
    expect(await attacker.names('h/')).toHaveLength(1);
  });

  // T-BACKEND-16
  it('can not exhaust the versions by the number that its header claims', async () => {
    const all = await attacked();
    const { clock, store } = all;
    await store.store('k', 'one');
    await damage(all, (body) => {
      const { header } = splitRecord(body);
      const number = Buffer.alloc(8);
      number.writeBigUInt64BE(BigInt(header.version));
      const at = body.indexOf(number);
      const changed = Buffer.from(body);
      changed.writeBigUInt64BE(2n ** 53n - 2n, at);
      expect(splitRecord(changed).header.version).toBe(2 ** 53 - 2);
      return changed;
    });
    const { version } = await store.store('k', 'two', { ifDamaged: true });
    await store.store('k', 'three', { ifVersion: version });
    const at = new Date(clock.now() + MINUTE);
    expect((await store.retrieve('k', { at })).text()).toBe('three');
  });

  // Where nothing but the record told, it is as with a record that is removed.
  it.each([
    { by: 'the record', checkpoint: false, how: (body: Buffer) => flipped(body, body.length - 1) },
    { by: 'the checkpoint', checkpoint: true, how: (body: Buffer) => Buffer.alloc(body.length, 1) },
  ])('[R-25] can not bring back what was purged, as $by tells', async ({ checkpoint, how }) => {
    const all = await attacked();
    const { store, attacker } = all;
    await store.store('k', 'secret');
    await store.store('k', 'more');
    const before = await attacker.copy();
    await store.purge('k');
    if (checkpoint) await store.checkpoint();
    await damage(all, how);
    for (const [name, body] of before) if (name.startsWith('h/')) await attacker.put(name, body);
    await store.store('k', 'new', { ifDamaged: true });
    expect(await texts(store)).toEqual(['new']);
  });

  // T-BACKEND-16
  it('can not bring back what was purged before its history began', async () => {
    const all = await attacked();
    const { store, attacker } = all;
    await store.store('k', 'secret');
    await store.store('k', 'more');
    const before = await attacker.copy();
    await store.purge('k');
    await store.store('k', 'one');
    await store.store('k', 'two');
    await damage(all);
    for (const [name, body] of before) if (name.startsWith('h/')) await attacker.put(name, body);
    await store.store('k', 'three', { ifDamaged: true });
    expect(await texts(store)).toEqual(['three', 'one', undefined]);
  });

  it('can not have a version under another name taken for the newest of its history', async () => {
    const all = await attacked();
    const { store, attacker } = all;
    for (const text of ['one', 'two', 'three']) await store.store('k', text);
    const [, oldest = ''] = await attacker.names('h/');
    const token = (await attacker.name('o/')).slice('o/'.length);
    const forged = historyName(token, 2 ** 53 - 2);
    await attacker.put(forged, await attacker.get(oldest));
    await damage(all);
    const { version } = await store.store('k', 'four', { ifDamaged: true });
    await attacker.remove(forged);
    await store.store('k', 'five', { ifVersion: version });
    expect(await texts(store)).toEqual(['five', 'four', 'two', 'one']);
    expect(await store.verify()).toMatchObject({ ok: true, findings: [] });
  });
});

/** A clock that is so far ahead. */
function shifted(clock: EagerClock, by: number) {
  return {
    now: () => clock.now() + by,
    uptime: () => clock.uptime(),
    sleep: clock.sleep.bind(clock),
  };
}
