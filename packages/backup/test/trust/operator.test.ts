import { describe, expect, it } from 'vitest';
import { club } from '../../../objects/test/support/members.ts';
import { failure } from '../../../objects/test/support/stores.ts';
import { Backups } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';

const PLACE = 'memory:backups';

describe('a backup operator', () => {
  it('makes and verifies backups where an owner has registered the destination, and opens no object', async () => {
    const { clock, owner, join, enter } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('red/a', 'first');
    await owner.store('red/big', Buffer.alloc(200_000, 1));
    await backups.register(PLACE);
    const operator = await enter(await join('operator', { areas: ['backup'] }));
    const operators = new Backups(operator, shelf.connect);

    const report = await operators.backup(PLACE, { label: 'by an operator' });
    expect(report).toMatchObject({ number: 1, objects: 2, failed: [] });
    await owner.store('red/a', 'second');
    expect(await operators.backup(PLACE)).toMatchObject({ number: 2, copied: { versions: 1 } });
    expect(await operators.list(PLACE)).toHaveLength(2);
    expect(await operators.verify(PLACE)).toMatchObject({ ok: true, snapshots: 2, depth: 'complete' });

    await failure(operator.retrieve('red/a'), 'ACCESS_DENIED');
    await failure(
      operators.read(PLACE, {}, (store) => store.retrieve('red/a')),
      'ACCESS_DENIED',
    );
    expect(await operators.restore(PLACE, { into: 'copy/' })).toMatchObject({ created: 0, replaced: 0 });
    // What the operator made restores with the keys of the owner.
    const found = await backups.read(PLACE, { snapshot: 1 }, async (store) => (await store.retrieve('red/a')).text());
    expect(found).toBe('first');
  });

  it('backs up nowhere else, and goes with the membership', async () => {
    const { clock, owner, join, enter } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('red/a', 'first');
    await backups.register(PLACE);
    const operator = await enter(await join('operator', { areas: ['backup'] }));
    const operators = new Backups(operator, shelf.connect);
    await failure(operators.backup('memory:elsewhere'), 'ACCESS_DENIED');
    await operators.backup(PLACE);
    await owner.members.revoke('operator');
    await failure(operators.backup(PLACE), 'ACCESS_DENIED');
    // What was backed up before still opens.
    expect(await backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true });
    // The second point says that the keys were replaced.
    expect(await backups.backup(PLACE)).toMatchObject({ number: 3 });
  });

  it('needs the keys of backups', async () => {
    const { clock, owner, join, enter } = await club();
    const shelf = new Shelf(() => clock.now());
    await new Backups(owner, shelf.connect).register(PLACE);
    const reader = await enter(await join('reader', { categories: ['red'] }));
    await failure(new Backups(reader, shelf.connect).backup(PLACE), 'ACCESS_DENIED');
  });
});
