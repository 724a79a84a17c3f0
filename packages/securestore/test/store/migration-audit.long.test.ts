import { SqliteBackend } from '@securestore/backend-sqlite';
import { identity, rawKey } from '@securestore/crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cancelMigration, migrateStore, finalizeMigration } from '../../src/index.ts';
import type { SecureStore } from '../../src/index.ts';
import { audited, auditor, storeUrlOf, memoryAnchor, reopen, unlock } from '../support/audits.ts';

async function migrations(store: SecureStore): Promise<string[]> {
  const entries = await store.audit.entries({ entries: 10_000 });
  return entries
    .filter(({ action }) => action === 'migrate')
    .map(({ outcome, reason }) => [outcome, reason].join(' ').trim());
}

async function partsOf(url: string): Promise<string[]> {
  const backend = new SqliteBackend();
  await backend.init({ url, options: {} });
  const { entries } = await backend.list('a/');
  await backend.close();
  return entries.map(({ key }) => key);
}

describe('the audit log of a store that moves', () => {
  // T-MIGRATE-11
  test('says each thing that was done to move it, wherever the store is then', async () => {
    const [from, to] = [storeUrlOf(), storeUrlOf()];
    await (await audited(from)).close();
    await migrateStore(from, to, { unlock, copyOnly: true });
    await cancelMigration(from, { unlock });
    await cancelMigration(from, { unlock }).catch(() => undefined);
    expect(await migrations(await reopen(from))).toEqual(['allowed', 'allowed', 'failed NOT_FOUND']);
    const other = storeUrlOf();
    await migrateStore(from, other, { unlock });
    await finalizeMigration(other, { unlock });
    const there = await reopen(other);
    expect(await migrations(there)).toEqual(['allowed', 'allowed', 'failed NOT_FOUND', 'allowed', 'allowed']);
    expect(await there.audit.verify({ auditor: identity(auditor) })).toMatchObject({ ok: true, findings: [] });
  });

  // T-MIGRATE-11
  test('misses in the new place what was cut off where it was, as an anchor there does', async () => {
    const [from, to] = [storeUrlOf(), storeUrlOf()];
    const anchor = memoryAnchor();
    await (await audited(from, { anchor })).close();
    const store = await reopen(from, { anchor });
    await store.store('a', '1');
    await store.close();
    const backend = new SqliteBackend();
    await backend.init({ url: from, options: {} });
    onTestFinished(() => backend.close());
    const [newest] = (await backend.list('a/')).entries;
    await backend.delete(newest?.key ?? '');
    expect(await migrateStore(from, to, { unlock, anchor })).toMatchObject({ migrated: true });
    const there = await reopen(to);
    const report = await there.audit.verify({ auditor: identity(auditor) });
    expect(report).toMatchObject({ ok: false, findings: [{ kind: 'missing' }] });
  });

  // T-MIGRATE-11
  test('says in the old place that everything was sealed anew elsewhere: the new store has a log of its own', async () => {
    const [from, to] = [storeUrlOf(), storeUrlOf()];
    await (await audited(from)).close();
    const before = await partsOf(from);
    expect(await migrateStore(from, to, { unlock, reencrypt: { unlock: rawKey(Buffer.alloc(32, 8)) } })).toMatchObject({
      migrated: true,
    });
    expect((await partsOf(from)).length).toBeGreaterThan(before.length);
  });
});
