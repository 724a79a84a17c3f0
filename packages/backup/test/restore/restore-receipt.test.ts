import { createHash } from 'node:crypto';
import type { SecureStorage } from '@securestore/objects';
import { describe, expect, it } from 'vitest';
import { club } from '../../../objects/test/support/members.ts';
import type { RestoreJobReport } from '../../src/index.ts';
import { Backups, readReceipt, readRestoreReceipt, RecoveryPoints } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';

const PLACE = 'memory:backups';

async function scene() {
  const { clock, owner } = await club();
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(owner, shelf.connect);
  for (let number = 0; number < 12; number++) await owner.store(`red/${number}`, `value ${number}`);
  await owner.store('red/large', Buffer.alloc(300_000, 1));
  await backups.backup(PLACE);
  const points = new RecoveryPoints(owner, backups, shelf.connect);
  return { clock, owner, backups, points };
}

function receiptOf({ receipt }: RestoreJobReport): NonNullable<RestoreJobReport['receipt']> {
  if (receipt === undefined) throw new Error('there is no receipt');
  return receipt;
}

describe('a restore', () => {
  it('that is to be verified reads back what it wrote, and tells what is not as it was', async () => {
    const { owner, backups } = await scene();
    for (const key of await owner.list()) await owner.delete(key);
    // Somebody else is quicker than reading back is.
    const target = new Proxy(owner, {
      get(store, name) {
        if (name === 'store') {
          return async (...given: Parameters<SecureStorage['store']>) => {
            const stored = await store.store(...given);
            if (given[0] === 'red/5') await store.store('red/5', 'of somebody else');
            return stored;
          };
        }
        const value: unknown = Reflect.get(store, name, store);
        return typeof value === 'function' ? value.bind(store) : value;
      },
    });
    const report = await backups.restore(PLACE, { prefix: 'red/', verify: true }, target);
    expect(report).toMatchObject({ compared: 13, created: 12, verified: 12 });
    expect(report.failed).toMatchObject([{ key: 'red/5', code: 'INTEGRITY' }]);
    expect(readRestoreReceipt(receiptOf(report), owner.fingerprint)).toMatchObject({
      ok: false,
      failed: 1,
      verified: 12,
    });
    const again = await backups.restore(PLACE, { prefix: 'red/', verify: true, conflict: 'overwrite' });
    expect(again).toMatchObject({ replaced: 1, unchanged: 12, verified: 1, failed: [] });
  });

  it('has a digest of what was done with each object, in the order of the point', async () => {
    const { owner, backups } = await scene();
    const there = await owner.info('red/3');
    for (const key of await owner.list()) if (key !== 'red/3') await owner.delete(key);
    const report = await backups.restore(PLACE, { prefix: 'red/', conflict: 'skip' });
    // By whoever has the backup, and nothing else of the store.
    const lines = await backups.read(PLACE, {}, async (store) => {
      const all: string[] = [];
      for await (const { key, version, size } of store.entries('red/')) {
        const what = key === 'red/3' ? 'unchanged' : 'create';
        all.push(`${JSON.stringify([what, key, version, size])}\n`);
      }
      return all;
    });
    expect(there.key).toBe('red/3');
    expect(report.digest).toBe(createHash('sha256').update(lines.join('')).digest('hex'));
    expect(readRestoreReceipt(receiptOf(report), owner.fingerprint)).toMatchObject({ digest: report.digest });
  });

  it('says which moment was chosen, beside that of the snapshot', async () => {
    const { owner, backups, clock } = await scene();
    await clock.sleep(5000);
    const at = new Date(clock.now());
    const readBack = (report: RestoreJobReport) => readRestoreReceipt(receiptOf(report), owner.fingerprint);
    const chosen = await backups.restore(PLACE, { at, prefix: 'red/' });
    expect(chosen.time.getTime()).toBeLessThan(at.getTime());
    expect(readBack(chosen)).toMatchObject({ at: at.toISOString(), time: chosen.time.toISOString() });
    expect(readBack(await backups.restore(PLACE, { snapshot: 1, prefix: 'red/' }))).not.toHaveProperty('at');
    const anew = await backups.restoreStore(PLACE, 'memory:again', { at });
    if (anew.receipt === undefined) throw new Error('there is no receipt');
    expect(readRestoreReceipt(anew.receipt, owner.fingerprint)).toMatchObject({ at: at.toISOString() });
  });

  it('has a receipt that is no receipt of a drill, nor of another store', async () => {
    const { owner, backups } = await scene();
    const receipt = receiptOf(await backups.restore(PLACE, { prefix: 'red/' }));
    const drill = await backups.drill(PLACE);
    const INTEGRITY = expect.objectContaining({ code: 'INTEGRITY' });
    expect(() => readReceipt(receipt, owner.fingerprint)).toThrow(INTEGRITY);
    expect(() => readRestoreReceipt(drill.receipt, owner.fingerprint)).toThrow(INTEGRITY);
    expect(() => readRestoreReceipt(receipt, '0'.repeat(52))).toThrow(INTEGRITY);
    for (const facts of [receipt.facts.replace('"failed":0', '"failed":1'), `${receipt.facts} `]) {
      expect(() => readRestoreReceipt({ ...receipt, facts }, owner.fingerprint)).toThrow(INTEGRITY);
    }
  });

  it('of a dry run says how long it may take, once that was measured', async () => {
    const { owner, backups, clock } = await scene();
    const plan = { prefix: 'red/', dryRun: true } as const;
    await owner.delete('red/1');
    expect(await backups.restore(PLACE, plan)).not.toHaveProperty('estimate');
    const slow = new Proxy(owner, {
      get(store, name) {
        if (name === 'store') clock.advance(1000);
        const value: unknown = Reflect.get(store, name, store);
        return typeof value === 'function' ? value.bind(store) : value;
      },
    });
    await backups.restore(PLACE, { prefix: 'red/' }, slow);
    for (const number of [1, 2, 3]) await owner.delete(`red/${number}`);
    const { estimate = 0, created, receipt } = await backups.restore(PLACE, plan);
    expect([created, receipt]).toEqual([3, undefined]);
    expect(estimate).toBeGreaterThanOrEqual(3000);
    expect(estimate).toBeLessThan(4000);
  });

  it('remembers as many receipts as there is room for, the newest', async () => {
    const { backups, points, clock } = await scene();
    const longest = 'x'.repeat(900);
    for (let number = 0; number < 60; number++) {
      clock.advance(1000);
      await backups.restore(PLACE, { keys: ['red/1'], into: `${longest}/${number}/`, conflict: 'skip' });
    }
    const { restores, drills } = await points.receipts(PLACE);
    expect(drills).toEqual([]);
    expect(restores.length).toBeGreaterThan(20);
    expect(restores.length).toBeLessThan(60);
    const numbers = restores.map(({ receipt }) => Number(/\/(\d+)\/"/.exec(receipt.facts)?.[1]));
    expect(numbers).toEqual(numbers.toSorted((a, b) => b - a));
    expect(numbers[0]).toBe(59);
  });
});
