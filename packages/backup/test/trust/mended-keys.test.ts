import type { StorageBackend } from '@securestore/backend-api';
import { BACKUP_KEYS_NAME } from '@securestore/core-format';
import { extensionsOf } from '@securestore/objects/internal';
import { describe, expect, it } from 'vitest';
import { failure } from '../../../objects/test/support/stores.ts';
import { isBackup } from '../../src/index.ts';
import { mendKeys } from '../../src/trust/mend-keys.ts';
import { type BackedUp, backedUp, PLACE } from '../support/backed-up.ts';
import { backupAt, backupsOf, contentsAt, contentsOf, reached, restoredFrom, worldOf } from '../support/worlds.ts';

type Harm = readonly ['damaged' | 'missing', (backend: StorageBackend) => Promise<void>];

/** Changes one byte of the object, in its middle. */
async function damage(backend: StorageBackend): Promise<void> {
  const body = Buffer.from((await backend.read(BACKUP_KEYS_NAME))?.body ?? expect.unreachable());
  const at = body.length >> 1;
  body[at] = (body[at] ?? 0) ^ 1;
  await backend.write(BACKUP_KEYS_NAME, body);
}

const HARMS: readonly Harm[] = [
  ['damaged', damage],
  ['missing', async (backend) => backend.delete(BACKUP_KEYS_NAME).then(() => undefined)],
];

const keysAt = async ({ shelf }: Pick<BackedUp, 'shelf'>): Promise<Buffer | undefined> => {
  const found = await (await shelf.at(PLACE)).read(BACKUP_KEYS_NAME);
  return found && Buffer.from(found.body);
};

describe.each(HARMS)('the object "keys" of a destination that is %s', (state, harm) => {
  it('is written again by the next backup, which says so', async () => {
    const world = await backedUp({ a: 'one' });
    const { backups, schedules, store, shelf } = world;
    const before = await keysAt(world);
    await harm(await shelf.at(PLACE));
    expect(await isBackup(await shelf.at(PLACE))).toBe(true);
    const refused = await failure(backups.verify(PLACE), 'INTEGRITY');
    expect(refused.message).toMatch(/keys.*memory:backups.* Without it the backups there cannot be opened\.$/);
    expect(refused.advice).toContainEqual({ id: 'make-snapshot', destination: PLACE });

    await store.store('a', 'two');
    const finding = `the object "keys" at ${PLACE} was ${state}, and was written again`;
    const report = await backups.backup(PLACE);
    expect(report).toMatchObject({ number: 2, findings: [finding], destinationFindings: [finding] });
    expect(await keysAt(world)).toEqual(before);
    expect(await backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true, snapshots: 2 });
    expect(await backups.drill(PLACE)).toMatchObject({ ok: true });
    expect((await schedules.conditions())[0]?.conditions).toEqual([]);
    expect(await backups.backup(PLACE)).toMatchObject({ findings: [] });
  });

  it('opens without the store again', async () => {
    const { store, destination, clock } = await worldOf();
    const backups = backupsOf(store, [destination]);
    await store.store('a', 'one');
    await backups.backup(destination.url);
    await harm(await reached(destination));
    await failure(backupAt(destination, clock), 'INTEGRITY');
    await backups.backup(destination.url);
    expect(await contentsAt(destination, clock)).toEqual(await contentsOf(store));
  });

  it('is left as it is by a copy of the store, also if that was to take the backups over', async () => {
    const { store, destination, clock } = await worldOf();
    const backups = backupsOf(store, [destination]);
    await store.store('a', 'one');
    await backups.backup(destination.url);
    const { store: copy } = await restoredFrom(destination, clock);
    const backend = await reached(destination);
    await harm(backend);
    const before = await backend.read(BACKUP_KEYS_NAME);
    const copied = backupsOf(copy, [destination]);
    for (const takeOver of [false, true]) {
      const refused = await failure(copied.backup(destination.url, { takeOver }), 'INTEGRITY');
      expect(refused.message).toContain(`was ${state}. It was not written again: `);
      expect(refused.advice).toContainEqual({ id: 'choose-store-url' });
    }
    expect((await backend.read(BACKUP_KEYS_NAME))?.body).toEqual(before?.body);
    // The store that the backups are of mends it.
    expect((await backups.backup(destination.url)).findings).toHaveLength(1);
  });

  it('is left as it is by the store after a copy has taken the backups over', async () => {
    const { store, destination, clock } = await worldOf();
    const backups = backupsOf(store, [destination]);
    await store.store('a', 'one');
    await backups.backup(destination.url);
    const { store: copy } = await restoredFrom(destination, clock);
    await backupsOf(copy, [destination]).backup(destination.url, { takeOver: true });
    await harm(await reached(destination));
    await failure(backups.backup(destination.url), 'INTEGRITY');
  });

  it('is left as it is by a store that is older than its newest snapshot', async () => {
    const { store, shelf } = await backedUp({ a: 'one' });
    const backend = await shelf.at(PLACE);
    await harm(backend);
    const { backup: area } = extensionsOf(store);
    const older = new Proxy(area, {
      get(target, name) {
        if (name === 'copyHead') return async () => ({ ...(await target.copyHead()), generation: 0 });
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await failure(mendKeys(older, { backend, url: PLACE }, undefined), 'INTEGRITY');
    expect(await mendKeys(area, { backend, url: PLACE }, undefined)).toContain('was written again');
    expect(await mendKeys(area, { backend, url: PLACE }, undefined)).toBeUndefined();
  });
});

it('the object "keys" is left as it is while the newest snapshot cannot be read', async () => {
  const world = await backedUp({ a: 'one' });
  const backend = await world.shelf.at(PLACE);
  await damage(backend);
  const before = await keysAt(world);
  const { entries } = await backend.list('s/', {});
  await backend.write(entries[0]?.key ?? expect.unreachable(), Buffer.from('junk'));
  await failure(world.backups.backup(PLACE), 'INTEGRITY');
  expect(await keysAt(world)).toEqual(before);
});
