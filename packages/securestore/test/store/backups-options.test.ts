import { describe, expect, test } from 'vitest';
import { hasBackup, listSnapshots, readSnapshot, restoreStore, verifyBackup } from '../../src/index.ts';
import { unlock } from '../support/access-world.ts';
import { backedUp } from '../support/backup-world.ts';

type Loose = (...given: readonly unknown[]) => PromiseLike<unknown>;
/** Calls as those do who have no types. */
const call = async (callee: unknown, ...given: readonly unknown[]): Promise<unknown> =>
  Reflect.apply(callee as Loose, undefined, given);
const names = async (view: { list(): Promise<string[]> }): Promise<string[]> => view.list();
const INVALID = expect.objectContaining({ code: 'INVALID_ARGUMENT' });

describe('what is meant by no option is refused, before anything is looked at or made', () => {
  test.each([
    { snapshto: 1 },
    { at: '2026-01-01' },
    { at: new Date(Number.NaN) },
    { snapshot: '1' },
    { snapshot: 0 },
    { snapshot: 1, at: new Date() },
  ])('%j, of restoreStore, readSnapshot and restore', async (options) => {
    const { world, store } = await backedUp();
    const { backup, target } = world;
    await expect(call(restoreStore, backup, target, { unlock, ...options })).rejects.toEqual(INVALID);
    await expect(call(readSnapshot, backup, { unlock, ...options }, names)).rejects.toEqual(INVALID);
    await expect(
      call((...given: Parameters<typeof store.restore>) => store.restore(...given), backup, {
        ...options,
        dryRun: true,
      }),
    ).rejects.toEqual(INVALID);
    expect(await restoreStore(backup, target, { unlock })).toMatchObject({ snapshot: 1 });
  });

  test('of the others', async () => {
    const { world, store } = await backedUp();
    const { backup, target } = world;
    const free: readonly (readonly [unknown, ...unknown[]])[] = [
      [restoreStore, backup, target, { unlock, prefix: 5 }],
      [restoreStore, backup, target, { unlock, partial: 'yes' }],
      [verifyBackup, backup, { unlock, depth: 'opnes' }],
      [verifyBackup, backup, { depth: 'opens' }],
      [verifyBackup, backup, { unlokc: 1 }],
      [listSnapshots, backup, { unlock, snapshot: 1 }],
      [listSnapshots, backup, { unlock: 'a passphrase' }],
      [listSnapshots, backup, {}],
      [hasBackup, backup, { unlokc: 1 }],
    ];
    for (const [callee, ...args] of free) {
      await expect(call(callee, ...args), JSON.stringify(args)).rejects.toEqual(INVALID);
    }
    await expect(
      call((...given: [string, object]) => store.backups.verify(...given), backup, { depth: 'opnes' }),
    ).rejects.toEqual(INVALID);
    await expect(
      call((...given: Parameters<typeof store.restore>) => store.restore(...given), backup, { keys: 'db/a' }),
    ).rejects.toEqual(INVALID);
    await expect(
      call((...given: Parameters<typeof store.restore>) => store.restore(...given), backup, { onObject: 'all' }),
    ).rejects.toEqual(INVALID);
    expect(await hasBackup(backup, world.secret)).toBe(true);
    // Whoever hosts the files has no secret.
    expect(await verifyBackup(backup)).toMatchObject({ ok: true, depth: 'unchanged', snapshots: 1, decrypted: 0 });
  });
});
