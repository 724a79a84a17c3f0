import { describe, expect, it } from 'vitest';
import { extensionsOf } from '@securestore/objects/internal';
import type { ObjectStore } from '@securestore/objects';
import { club } from '../../../objects/test/support/members.ts';
import { failure } from '../../../objects/test/support/stores.ts';
import { Backups, rememberMigration } from '../../src/index.ts';
import { registryOf } from '../../src/trust/registry.ts';
import { Shelf } from '../support/shelf.ts';

const PLACE = 'memory:backups';

/** A head by which another store would have migrated to where this one is. */
const leftFor = (store: ObjectStore, instance: Uint8Array) => {
  const { head } = extensionsOf(store).backup;
  const migration = {
    instance: head.instance,
    stage: 'announced',
    resealed: false,
    location: new Uint8Array(),
  } as const;
  return { ...head, instance, state: 'moved', migration } as const;
};

describe('what a store remembers of its migrations', () => {
  it('is written by the owner alone, and about this instance alone', async () => {
    const { clock, owner, join, enter } = await club();
    const shelf = new Shelf(() => clock.now());
    const backups = new Backups(owner, shelf.connect);
    await owner.store('red/a', 'first');
    await backups.register(PLACE);
    const operator = await enter(await join('operator', { areas: ['backup'] }));
    const another = Buffer.alloc(16, 7);
    await failure(rememberMigration(operator, leftFor(operator, another)), 'ACCESS_DENIED');
    const { backup: area } = extensionsOf(owner);
    await area.refresh();
    const [one] = registryOf(area).destinations;
    expect(one).toBeDefined();
    expect(one?.migratedFrom).toBeUndefined();

    const left = leftFor(owner, another);
    await rememberMigration(owner, { ...left, state: 'open' });
    await rememberMigration(owner, { ...left, lineage: another });
    await rememberMigration(owner, { ...left, migration: { ...left.migration, instance: another } });
    expect(registryOf(area).destinations).toEqual([one]);

    await rememberMigration(owner, left);
    const before = [{ instance: another.toString('hex'), generation: left.generation }];
    const as = Buffer.from(area.head.instance).toString('hex');
    expect(registryOf(area).destinations).toEqual([{ ...one, migratedFrom: { as, before } }]);
    // Repeating the migration changes nothing.
    const { generation } = area.head;
    await rememberMigration(owner, left);
    expect(area.head.generation).toBe(generation);
  });
});
