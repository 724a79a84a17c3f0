import { describe, expect, it } from 'vitest';
import { club } from '../../../objects/test/support/members.ts';
import { failure } from '../../../objects/test/support/stores.ts';
import { Backups, readReceipt } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';

const PLACE = 'memory:backups';

async function backedUp(): Promise<{
  shelf: Shelf;
  backups: Backups;
  owner: Awaited<ReturnType<typeof club>>['owner'];
}> {
  const { clock, owner } = await club();
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(owner, shelf.connect);
  for (let number = 0; number < 20; number++) await owner.store(`red/${number}`, `value ${number}`);
  await owner.store('blue/big', Buffer.alloc(300_000, 1));
  await owner.store('red/1', 'again');
  await owner.delete('red/2');
  await backups.backup(PLACE);
  return { shelf, backups, owner };
}

describe('a drill', () => {
  it('restores, compares, measures, signs and cleans up', async () => {
    const { shelf, backups, owner } = await backedUp();
    // What happens since does not count.
    await owner.store('red/3', 'later');
    await owner.delete('red/4');
    await owner.store('new', 'later');
    const report = await backups.drill(PLACE, { scratch: 'memory:scratch' });
    expect(report).toMatchObject({ ok: true, found: 0, problems: [], objects: 20, snapshot: 1 });
    expect(report.compared).toBeGreaterThanOrEqual(20);
    expect((await (await shelf.at('memory:scratch')).list('', {})).entries).toEqual([]);
    const facts = readReceipt(report.receipt, owner.fingerprint);
    expect(facts).toMatchObject({ ok: true, objects: 20, fingerprint: owner.fingerprint });
    const forged = { ...report.receipt, facts: report.receipt.facts.replace('"ok":true', '"ok":1') };
    expect(() => readReceipt(forged, owner.fingerprint)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    expect(() => readReceipt(report.receipt, '0'.repeat(52))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    for (const none of [
      undefined,
      null,
      'x',
      {},
      { ...report.receipt, facts: 7 },
      { ...report.receipt, identity: [] },
    ]) {
      expect(() => readReceipt(none as never, owner.fingerprint), JSON.stringify(none)).toThrow(
        expect.objectContaining({ code: 'INTEGRITY' }),
      );
    }
  });

  it('tells of each phase how much of how much is done', async () => {
    const { backups } = await backedUp();
    const job = backups.drill(PLACE, { scratch: 'memory:scratch' });
    const seen = await Array.fromAsync(job.progress);
    for (const wanted of ['restoring', 'opening everything', 'comparing with the store']) {
      const told = seen.filter(({ phase }) => phase === wanted);
      expect(told.length, wanted).toBeGreaterThan(0);
      expect(told.at(-1)?.total, wanted).toBeGreaterThanOrEqual(20);
      expect(told.at(-1)?.done, wanted).toBe(told.at(-1)?.total);
    }
  });

  it('fails where the backup is bad', async () => {
    const { shelf, backups } = await backedUp();
    const place = await shelf.at(PLACE);
    const [pack] = (await place.list('d/', {})).entries;
    const found = await place.read(pack?.key ?? '');
    const body = Buffer.from(found?.body ?? []);
    body.writeUInt8(body.readUInt8(body.length - 40) ^ 1, body.length - 40);
    await place.write(pack?.key ?? '', body);
    const report = await backups.drill(PLACE, { scratch: 'memory:scratch' });
    expect(report).toMatchObject({ ok: false });
    expect(report.problems[0]).toContain(pack?.key);
    expect((await (await shelf.at('memory:scratch')).list('', {})).entries).toEqual([]);
  });

  it('restores and compares the objects beside a damaged one, and names that one alone', async () => {
    const { shelf, backups, owner } = await backedUp();
    const place = await shelf.at(PLACE);
    const parts = (await place.list('b/', {})).entries;
    const part = parts.toSorted((a, b) => b.size - a.size)[0]?.key ?? '';
    await place.delete(part);
    const report = await backups.drill(PLACE, { scratch: 'memory:scratch' });
    expect(report).toMatchObject({ ok: false, found: 1, objects: 19, total: 20 });
    expect(report.compared).toBeGreaterThanOrEqual(19);
    const [id = ''] = Object.keys(report.names);
    expect(report.names).toEqual({ [id]: 'blue/big' });
    expect(report.problems).toEqual([`object ${id}: the file ${part} of the backup is missing`]);
    expect(readReceipt(report.receipt, owner.fingerprint)).toMatchObject({ ok: false, objects: 19, total: 20 });
    expect((await (await shelf.at('memory:scratch')).list('', {})).entries).toEqual([]);
  });

  it('names an object with a damaged older version, and restores its newest one', async () => {
    const { shelf, backups, owner } = await backedUp();
    await owner.store('blue/big', 'small');
    await backups.backup(PLACE);
    const place = await shelf.at(PLACE);
    for (const { key } of (await place.list('b/', {})).entries) await place.delete(key);
    const report = await backups.drill(PLACE, { scratch: 'memory:scratch' });
    expect(report).toMatchObject({ ok: false, found: 1, objects: 20, total: 20 });
    expect(Object.values(report.names)).toEqual(['blue/big']);
  });

  // T-BACKUP-11
  it('names the objects that are wrong beside what it signs, and not in it', async () => {
    const { owner, attacker, clock } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('red/fine', 'fine');
    await owner.store('blue/secret name', Buffer.alloc(300_000, 1));
    // Whoever copies has no keys, so that is copied as it is.
    const [part = ''] = await attacker.names('b/');
    const body = await attacker.get(part);
    body.writeUInt8(body.readUInt8(1000) ^ 1, 1000);
    await attacker.put(part, body);
    await backups.backup(PLACE);
    const report = await backups.drill(PLACE);
    expect(report).toMatchObject({ ok: false, found: 1 });
    const [id = ''] = Object.keys(report.names);
    expect(report.names).toEqual({ [id]: 'blue/secret name' });
    expect(report.problems[0]).toMatch(new RegExp(`^object ${id}: `));
    expect(report.receipt.facts).not.toContain('secret name');
    // An owner can tell what it is of, whenever they see it.
    expect(Object.keys((await backups.drill(PLACE)).names)).toEqual([id]);
  });

  it('names no object either that can not be read in the store', async () => {
    const { owner, attacker, clock } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('blue/secret name', 'secret');
    await owner.store('red/fine', 'fine');
    await backups.backup(PLACE);
    const before = new Set(await attacker.names('o/'));
    await owner.store('blue/a second secret name', 'secret');
    await backups.backup(PLACE);
    const added = (await attacker.names('o/')).filter((name) => !before.has(name));
    expect(added).toHaveLength(1);
    for (const name of added) {
      const body = await attacker.get(name);
      body.writeUInt8(body.readUInt8(body.length - 10) ^ 1, body.length - 10);
      await attacker.put(name, body);
    }
    const report = await backups.drill(PLACE);
    expect(report).toMatchObject({ ok: false, found: 1 });
    expect(Object.values(report.names)).toEqual(['blue/a second secret name']);
    expect(report.problems).toEqual([expect.stringMatching(/^object [0-9a-f]{16}: cannot be compared: /)]);
    expect(report.receipt.facts).not.toContain('secret name');
  });

  it('leaves alone what lies at its scratch store', async () => {
    const { shelf, backups } = await backedUp();
    const scratch = await shelf.at('memory:scratch');
    await scratch.write('o/x', Buffer.from('mine'));
    await failure(backups.drill(PLACE, { scratch: 'memory:scratch' }), 'ALREADY_EXISTS');
    expect((await scratch.list('', {})).entries).toHaveLength(1);
  });
});
