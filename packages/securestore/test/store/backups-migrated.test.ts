import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { SecureStore } from '../../src/index.ts';
import {
  addPrincipal,
  createStore,
  finalizeMigration,
  grantRole,
  migrateStore,
  openStore,
  rawKey,
  restoreStore,
  setRole,
  verifyBackup,
} from '../../src/index.ts';

const root = mkdtempSync(join(tmpdir(), 'securestore-migrated-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const unlock = rawKey(Buffer.alloc(32, 1));
const second = rawKey(Buffer.alloc(32, 2));

/** A store with a token and two slots, that was backed up and then migrated. */
async function migrated() {
  const base = mkdtempSync(join(root, 'stores-'));
  const [source, target, destination] = ['source', 'target', 'backup'].map((name) => `file:${join(base, name)}`);
  const options = { unlock, maintenance: false, anchor: false } as const;
  const ids = await (async () => {
    await using store = await createStore(source ?? '', options);
    await store.store('a', 'first');
    await store.access.change([
      setRole('reader', [{ effect: 'allow', actions: ['read'] }]),
      addPrincipal('ann', 'user'),
      grantRole('ann', 'reader'),
    ]);
    const { id: token } = await store.access.createToken('ann');
    const { id: slot } = await store.slots.add(second);
    await store.backup(destination ?? '');
    return { token, slot };
  })();
  await migrateStore(source ?? '', target ?? '', { unlock, anchor: false });
  return { ...ids, source: source ?? '', target: target ?? '', destination: destination ?? '', base, options };
}

async function opened<T>(url: string, options: object, run: (store: SecureStore) => Promise<T>): Promise<T> {
  await using store = await openStore(url, { unlock, ...options });
  return await run(store);
}

// They mostly wait until every process has heard of the migration, so they do it side by side.
describe.concurrent('a store that was migrated takes access away at its destinations', () => {
  test('by the policy and by slots, without a backup before', async () => {
    const { target, destination, token, slot, base, options } = await migrated();
    await opened(target, options, async (store) => {
      expect(await store.access.revokeToken(token)).toMatchObject({ pending: [] });
    });
    await finalizeMigration(target, { unlock, anchor: false });
    await opened(target, options, async (store) => {
      expect(await store.slots.remove(slot)).toMatchObject({ pending: [] });
      expect(await store.backups.verify(destination, { depth: 'complete' })).toMatchObject({ ok: true });
    });
    await expect(verifyBackup(destination, { unlock: second })).rejects.toMatchObject({
      code: 'UNLOCK_FAILED',
    });
    // What comes later, and what was there, can be restored.
    await opened(target, options, async (store) => {
      await store.store('b', 'second');
      await store.backup(destination);
    });
    const again = `file:${join(base, 'again')}`;
    await restoreStore(destination, again, { unlock });
    await opened(again, options, async (store) => {
      expect([(await store.retrieve('a')).text(), (await store.retrieve('b')).text()]).toEqual(['first', 'second']);
      expect(await store.access.tokens()).toEqual([]);
    });
  });

  test('but not at those of the store that it was restored from, which may still be there', async () => {
    const { target, destination, token, base, options } = await migrated();
    await opened(target, options, async (store) => void (await store.backup(destination)));
    const copy = `file:${join(base, 'copy')}`;
    await restoreStore(destination, copy, { unlock });
    await opened(copy, options, async (store) => {
      expect(await store.access.revokeToken(token)).toMatchObject({ pending: [destination] });
    });
  });
});
