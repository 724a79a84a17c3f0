import { describe, expect, test } from 'vitest';
import { generateIdentity, identity, openStore, recipientOf, restoreStore } from '../src/index.ts';
import type { SecureStore } from '../src/index.ts';
import { unlock } from './support/access-world.ts';
import { BackupWorld } from './support/backup-world.ts';

const auditor = generateIdentity();

/** An audited store whose entries are durable at once, so that each change of its head says how far its log goes. */
async function audited(): Promise<{ readonly world: BackupWorld; readonly store: SecureStore }> {
  const world = new BackupWorld();
  const store = await world.furnished();
  await store.audit.enable({ auditor: await recipientOf(auditor), mode: 'fail-closed' });
  await store.store('db/a', 'audited');
  return { world, store };
}

/** What the auditor finds wrong with the log of a store that is restored. */
async function problemsOf(world: BackupWorld, snapshot?: number): Promise<unknown[]> {
  await restoreStore(world.backup, world.target, { ...world.secret, snapshot });
  await using restored = await openStore(world.target, { unlock, clock: world.clock, upkeep: false });
  const entries = await restored.audit.entries({ entries: 1000 });
  expect(entries.length).toBeGreaterThan(2);
  return [...(await restored.audit.verify({ auditor: identity(auditor) })).problems];
}

describe('the audit log of a store that was restored is whole, as far as it goes', () => {
  test('where the keys at the destination were replaced after the snapshot', async () => {
    const { world, store } = await audited();
    await store.backup(world.backup);
    await store.store('db/a', 'later');
    await store.slots.add('another passphrase that is long enough');
    expect(await problemsOf(world)).toEqual([]);
  });

  test('where an earlier snapshot is restored', async () => {
    const { world, store } = await audited();
    await store.backup(world.backup);
    await store.store('db/a', 'later');
    await store.slots.add('another passphrase that is long enough');
    await store.backup(world.backup);
    expect(await problemsOf(world, 1)).toEqual([]);
  });

  test('where it was backed up continuously', async () => {
    const { world, store } = await audited();
    const continuous = await store.backups.follow(world.backup);
    await store.store('db/a', 'later');
    await store.slots.add('another passphrase that is long enough');
    await store.store('db/a', 'still later');
    await continuous.shipped();
    await continuous.stop();
    expect(await problemsOf(world)).toEqual([]);
  });
});
