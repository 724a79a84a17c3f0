import { MemoryBackend } from '@securestore/backend-memory';
import { openBackup } from '@securestore/backup';
import type { Point } from '@securestore/core-format';
import { encodePoint, pointName, withChecksum } from '@securestore/core-format';
import { describe, expect, test } from 'vitest';
import type { FoundPoint } from '../../../backup/src/repository/snapshots.ts';
import { generateIdentity, identity, openStore, recipientOf, restoreStore } from '../../src/index.ts';
import type { SecureStore } from '../../src/index.ts';
import { unlock } from '../support/access-world.ts';
import { BackupWorld } from '../support/backup-world.ts';

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
  await using restored = await openStore(world.target, { unlock, clock: world.clock, maintenance: false });
  const entries = await restored.audit.entries({ entries: 1000 });
  expect(entries.length).toBeGreaterThan(2);
  return [...(await restored.audit.verify({ auditor: identity(auditor) })).findings];
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
    const continuous = await store.backups.startContinuous(world.backup);
    await store.store('db/a', 'later');
    await store.slots.add('another passphrase that is long enough');
    await store.store('db/a', 'still later');
    await continuous.caughtUp();
    await continuous.close();
    expect(await problemsOf(world)).toEqual([]);
  });
});

// T-BACKUP-15
test.each([
  ['that says it is of an earlier head', (point: FoundPoint) => ({ generation: point.generation - 1 })],
  ['that says it only repeats another one', () => ({ collects: true })],
  [
    'of changes',
    (point: FoundPoint) => ({ kind: 'changes' as const, base: point.number, pages: [], number: point.number + 1 }),
  ],
] as const)('the end of the log is missed that a backup operator leaves out of a snapshot %s', async (_, change) => {
  const { world, store } = await audited();
  await store.backup(world.backup);
  await store.store('db/a', 'later');
  // The head says how far the log goes from then on.
  await store.slots.add('another passphrase that is long enough');
  world.clock.advance(3_600_000);
  const { number } = await store.backup(world.backup);
  const backend = new MemoryBackend({ clock: () => world.clock.now() });
  await backend.init({ url: world.backup, options: {} });
  using opened = await openBackup({ backend, url: world.backup, unlock, clock: world.clock });
  const { seals } = opened.copy;
  const [first, { digest: previous, ...newest }] = [
    await opened.recoveryPoints.read(1),
    await opened.recoveryPoints.read(number),
  ];
  const { others } = first;
  const put = async (point: Point): Promise<void> => {
    const name = pointName(point.number);
    const sealed = seals.seal('backupPoint', opened.destination.id, name, encodePoint(point));
    await backend.write(name, withChecksum(sealed));
  };
  const time = newest.time + 1;
  const forged = { ...newest, number: number + 1, base: number + 1, previous, others, time };
  const changed = { ...forged, ...change({ ...forged, digest: previous, keyId: '', isOld: false }) };
  if (changed.kind === 'changes') {
    await put(forged);
    changed.previous = (await opened.recoveryPoints.read(forged.number)).digest;
  }
  await put(changed);
  expect(await problemsOf(world, changed.number)).not.toEqual([]);
});
