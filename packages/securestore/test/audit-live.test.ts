import type { StorageBackend } from '@securestore/backend-api';
import { SqliteBackend } from '@securestore/backend-sqlite';
import { expect, test } from 'vitest';
import { createStore, identity, recipientOf } from '../src/index.ts';
import { auditor, storeUrlOf, reopen, unlock } from './support/audits.ts';

test.each([1, 2, 3])('a log is verified while others write to it, at listing %d of it', async (at) => {
  const url = storeUrlOf();
  const first = await createStore(url, { unlock, maintenance: false });
  await first.audit.enable({ auditor: await recipientOf(auditor), mode: 'fail-closed' });
  for (const key of ['a', 'b', 'c']) await first.store(key, 'x');
  await first.close();
  const running = await reopen(url);
  await running.list();
  const backend = new SqliteBackend();
  await backend.init({ url, options: {} });
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
          await (await reopen(url)).close();
        }
        return Reflect.apply(value, target, given) as unknown;
      };
    },
  });
  const store = await reopen(url, { backend: busy });
  expect(await store.audit.verify({ auditor: identity(auditor) })).toMatchObject({ ok: true, findings: [] });
  expect(listings).toBeGreaterThanOrEqual(3);
});
