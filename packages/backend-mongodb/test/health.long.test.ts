import { expect, inject, onTestFinished, test } from 'vitest';
import { describeHealth, expectRefused, look, opened, troubles } from '../../securestore/test/support/server-health.ts';
import { clientOf, freshUrl, proxied } from './support/stores.ts';

const provided = inject('mongodb');
const NO_SERVER = 'skip' in provided ? provided.skip : undefined;
const url = 'url' in provided ? provided.url : '';

describeHealth({ name: 'mongodb', skip: NO_SERVER, fresh: () => freshUrl(url), proxied });

test('the health of a store on mongodb fails where the user is gone', async (context) => {
  if (NO_SERVER !== undefined) context.skip(NO_SERVER);
  const admin = clientOf(url).db('admin');
  const user = `ann${Date.now()}`;
  const create = (): Promise<unknown> =>
    admin.command({ createUser: user, pwd: 'canary-7731', roles: [{ role: 'readWrite', db: 'securestore' }] });
  await create();
  const proxy = await proxied(freshUrl(url.replace(/:\/\/.*@/, `://${user}:canary-7731@`)));
  const store = await opened(proxy.url);
  expect(troubles(await look(store))).toEqual({});
  await admin.command({ dropUser: user });
  onTestFinished(() => proxy.set());
  // Connections are made anew now and then, and who is let in is asked then.
  proxy.cut();
  proxy.set();
  expectRefused(await look(store), 'UNAUTHENTICATED');
  await create();
  expect(troubles(await look(store))).toEqual({ errors: 'degraded' });
});
