import assert from 'node:assert/strict';
import { openRemoteStore } from '@securestore/client';
import type { OpenOptions, RemoteStore } from 'securestore';
import { addPrincipal, createStore, grantRole, openStore, rawKey, SecureStoreError, setRole } from 'securestore';
import { serve } from '../../src/index.ts';

const SECRET = Buffer.alloc(32, 9);
/** How long what was taken away may count at another server: five seconds, and what a busy machine adds. */
const BOUND = 5000;
const SLACK = 10_000;

async function increment(store: RemoteStore): Promise<void> {
  for (;;) {
    const { info, json } = await store
      .retrieve('counter')
      .then((found) => ({ info: found.info, json: found.json<number>() }));
    try {
      await store.store('counter', String(json + 1), { ifVersion: info.version });
      return;
    } catch (error) {
      if (!SecureStoreError.is(error, 'CONFLICT')) throw error;
    }
  }
}

/**
 * Two servers on one store at a backend that both reach: they count exactly, what one takes away the other stops honouring in time, and both go on
 * while keys are rotated.
 */
export async function twoServers(location: string, options: Partial<OpenOptions> = {}): Promise<void> {
  const unlock = rawKey(SECRET);
  await using stack = new AsyncDisposableStack();
  const one = stack.use(await createStore(location, { unlock, upkeep: false, ...options }));
  const other = stack.use(await openStore(location, { unlock, upkeep: false, ...options }));
  await one.access.change([
    setRole('all', [{ effect: 'allow', actions: ['*'] }]),
    addPrincipal('ann', 'user'),
    addPrincipal('ben', 'user'),
    grantRole('ann', 'all'),
    grantRole('ben', 'all'),
  ]);
  const [ann, ben] = [await one.access.createToken('ann'), await one.access.createToken('ben')];
  const servers = [stack.use(await serve(one, { port: 0 })), stack.use(await serve(other, { port: 0 }))];
  const open = async (at: number, { token }: { readonly token: string }): Promise<RemoteStore> =>
    stack.use(await openRemoteStore(servers[at % 2]?.url ?? '', { credentials: { token } }));
  const clients = await Promise.all(Array.from({ length: 8 }, async (_, at) => open(at, ann)));
  const [here, there] = clients;
  assert.ok(here !== undefined && there !== undefined);

  await here.store('counter', '0');
  await Promise.all(
    clients.map(async (store) => {
      for (let n = 0; n < 5; n++) await increment(store);
    }),
  );
  assert.equal((await there.retrieve('counter')).json(), 40);
  const races = await Promise.allSettled(clients.map((store, at) => store.store('once', `${at}`, { ifAbsent: true })));
  assert.equal(races.filter(({ status }) => status === 'fulfilled').length, 1);

  const bens = await open(1, ben);
  assert.equal(await bens.has('counter'), true);
  await here.access.revokeToken(ben.id);
  const revoked = performance.now();
  for (let code = ''; code !== 'UNAUTHENTICATED';) {
    code = await bens.has('counter').then(
      () => '',
      (error: SecureStoreError) => error.code,
    );
    assert.ok(performance.now() - revoked < BOUND + SLACK, 'what was revoked counts for too long at the other server');
  }

  const rotated = new AbortController();
  const writes = clients.map(async (store, at) => {
    for (let n = 0; !rotated.signal.aborted; n++) await store.store(`during/${at}`, `${n}`);
  });
  await here.rotateEncryptionKey(SECRET, SECRET, { depth: 'keys' });
  rotated.abort();
  await Promise.all(writes);
  assert.equal((await there.verify()).ok, true);
  assert.equal((await there.list('during/')).length, clients.length);
}
