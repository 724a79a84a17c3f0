import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StorageBackend } from '@securestore/backend-api';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { expect, onTestFinished, test } from 'vitest';
import type { OpenOptions, SecureStore } from '../src/index.ts';
import { createStore, generateIdentity, identity, openStore, rawKey, recipientOf } from '../src/index.ts';

const unlock = rawKey(Buffer.alloc(32, 3));
const auditor = generateIdentity();

function locationOf(): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-live-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return `sqlite:${join(folder, 'vault.db')}`;
}

async function reopen(location: string, options: Partial<OpenOptions> = {}): Promise<SecureStore> {
  const store = await openStore(location, { unlock, upkeep: false, ...options });
  onTestFinished(() => store.close());
  return store;
}

test.each([1, 2, 3])('a log is verified while others write to it, at listing %d of it', async (at) => {
  const location = locationOf();
  const first = await createStore(location, { unlock, upkeep: false });
  await first.audit.enable({ auditor: await recipientOf(auditor), mode: 'fail-closed' });
  for (const key of ['a', 'b', 'c']) await first.store(key, 'x');
  await first.close();
  const running = await reopen(location);
  await running.list();
  const backend = new SqliteBackend();
  await backend.init({ location, options: {} });
  let listings = 0;
  const busy = new Proxy<StorageBackend>(backend, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      if (property !== 'list') return value.bind(target);
      return async (...given: unknown[]) => {
        if (JSON.stringify(given).includes('"a/')) listings++;
        if (listings === at) {
          await running.list();
          await (await reopen(location)).close();
        }
        return Reflect.apply(value, target, given) as unknown;
      };
    },
  });
  const store = await reopen(location, { backend: busy });
  expect(await store.audit.verify({ auditor: identity(auditor) })).toMatchObject({ ok: true, problems: [] });
  expect(listings).toBeGreaterThanOrEqual(3);
});
