import { describe, expect, it } from 'vitest';
import { club } from '../../../objects/test/support/members.ts';
import { failure, openAt } from '../../../objects/test/support/stores.ts';
import { Backups } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';

const PLACE = 'memory:backups';

/** The values of all objects of a point. */
async function valuesAt(backups: Backups, choice: { snapshot?: number; at?: Date }): Promise<Record<string, string>> {
  return backups.read(PLACE, choice, async (store) => {
    const values: Record<string, string> = {};
    for (const key of await store.list()) values[key] = (await store.retrieve(key)).text();
    return values;
  });
}

describe('a continuous backup', () => {
  it('makes every moment recoverable that was shipped, and says how far it is', async () => {
    const { clock, owner } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('a', '0');
    await using continuous = await backups.startContinuous(PLACE);
    const moments: { at: Date; values: Record<string, string> }[] = [];
    for (let round = 1; round <= 12; round++) {
      await owner.store('a', String(round));
      if (round % 3 === 0) await owner.store(`b${round}`, 'x');
      if (round % 4 === 0) await owner.delete('a');
      await continuous.caughtUp();
      const { recoverableTo, lag } = continuous.status;
      expect(lag).toBeLessThanOrEqual(1000);
      const values: Record<string, string> = {};
      for (const key of await owner.list()) values[key] = (await owner.retrieve(key)).text();
      moments.push({ at: recoverableTo ?? new Date(0), values });
    }
    await continuous.close();
    expect(continuous.status.findings).toEqual([]);
    for (const { at, values } of moments) {
      expect(await valuesAt(backups, { at })).toEqual(values);
      // The same question gets the same answer.
      expect(await valuesAt(backups, { at })).toEqual(values);
    }
    expect(await backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true });
  });

  it('is gone on with by another process, also after snapshots and rotations', async () => {
    const { clock, owner, place } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('a', '1');
    const first = await backups.startContinuous(PLACE);
    await owner.store('a', '2');
    await first.caughtUp();
    expect(await backups.backup(PLACE, { label: 'while it goes on' })).toMatchObject({ copied: { versions: 0 } });
    await owner.store('b', '1');
    await first.caughtUp();
    await first.close();
    await owner.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 7));
    await owner.store('a', '3');
    const other = await openAt(place, { clock, fingerprint: owner.fingerprint });
    const others = new Backups(other, shelf.connect);
    await using second = await others.startContinuous(PLACE);
    await owner.store('c', '1');
    await second.caughtUp();
    await second.close();
    expect(await valuesAt(backups, {})).toEqual({ a: '3', b: '1', c: '1' });
    expect(await backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true });
  });

  it('makes a cut once an interval, however long one takes', async () => {
    const { clock, owner } = await club();
    const shelf = new Shelf(() => clock.now());
    const inner = await shelf.at(PLACE);
    const write = inner.write.bind(inner);
    let isSlow = false;
    inner.write = async (...args) => {
      if (isSlow) await clock.sleep(100);
      return write(...args);
    };
    const backups = new Backups(owner, shelf.connect);
    await owner.store('a', '0');
    const told: number[] = [];
    const onStatus = (): void => void told.push(clock.now());
    await using continuous = await backups.startContinuous(PLACE, { interval: 1000, onStatus });
    await continuous.caughtUp();
    isSlow = true;
    await owner.store('a', '1');
    await continuous.caughtUp();
    told.length = 0;
    for (let change = 2; change < 40; change++) {
      await owner.store('a', String(change));
      await clock.sleep(250);
    }
    const [first = 0, last = 0] = [told.at(0), told.at(-1)];
    expect(told.length).toBeGreaterThan(5);
    // Each ships something to a destination that takes 300 ms for it at least.
    expect((last - first) / (told.length - 1)).toBeCloseTo(1000, -2);
  });

  it('is done by one process at a time for a destination', async () => {
    const { clock, owner, place } = await club();
    const shelf = new Shelf(() => clock.now());
    await owner.store('a', '1');
    await using _ = await new Backups(owner, shelf.connect).startContinuous(PLACE);
    const other = await openAt(place, { clock, fingerprint: owner.fingerprint });
    const others = new Backups(other, shelf.connect);
    await failure(others.startContinuous(PLACE), 'LOCKED');
    await failure(others.backup(PLACE), 'LOCKED');
  });
});

describe('a synchronous backup', () => {
  it('acknowledges nothing that it has not backed up', async () => {
    const { clock, owner } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('a', '0');
    await using _ = await backups.startContinuous(PLACE, { synchronous: true });
    for (let round = 1; round <= 5; round++) {
      await owner.store('a', String(round));
      await Promise.all(['b', 'c', 'd'].map((key) => owner.store(key, String(round))));
      const expected = { a: String(round), b: String(round), c: String(round), d: String(round) };
      expect(await valuesAt(backups, {})).toEqual(expected);
    }
  });

  it('refuses writes while the destination is away, or lets them pass and says so', async () => {
    const { clock, owner } = await club();
    let isDown = false;
    const shelf = new Shelf(() => clock.now());
    const inner = await shelf.at(PLACE);
    const write = inner.write.bind(inner);
    const { SecureStoreError } = await import('@securestore/core-format');
    inner.write = async (...args) => {
      if (isDown) throw new SecureStoreError('UNAVAILABLE', 'the destination is away', { retryable: true });
      return write(...args);
    };
    const backups = new Backups(owner, shelf.connect);
    await owner.store('a', '0');
    const strict = await backups.startContinuous(PLACE, { synchronous: true });
    isDown = true;
    // The first one shows that it is away: it is stored, and not acknowledged.
    expect(await failure(owner.store('a', '1'), 'UNAVAILABLE')).toMatchObject({ outcome: 'unknown' });
    expect(await failure(owner.store('a', '2'), 'UNAVAILABLE')).toMatchObject({ retryable: true });
    expect((await owner.retrieve('a')).text()).toBe('1');
    isDown = false;
    await clock.sleep(60_000);
    await owner.store('a', '3');
    expect(await valuesAt(backups, {})).toEqual({ a: '3' });
    await strict.close();
    const alerts: string[] = [];
    const synchronous = { unreachable: 'degrade', onAlert: (message: string) => void alerts.push(message) } as const;
    await using _ = await backups.startContinuous(PLACE, { synchronous });
    isDown = true;
    await owner.store('a', '4');
    await owner.store('a', '5');
    expect(alerts.length).toBeGreaterThan(0);
    isDown = false;
  });
});
