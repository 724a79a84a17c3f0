import assert from 'node:assert/strict';
import { openRemoteStore } from '@securestore/client';
import type { OpenOptions, RemoteStore } from 'securestore';
import { addPrincipal, createStore, grantRole, openStore, rawKey, SecureStoreError, setRole } from 'securestore';
import { serve } from '../../src/index.ts';
import { TORTURE } from '../../../../tools/campaigns/src/size.ts';

const SECRET = Buffer.alloc(32, 9);
/** How long what was taken away may count at another server, in milliseconds. */
const BOUND = 5000;
/** How long is waited for that: what is slow is no failure here, but that it never comes is. */
const PATIENCE = 60_000;

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
 * For how many milliseconds after a revocation the last request began that was honoured all the same; 0 where none was.
 *
 * Its begin, and not its end: a server answers by a look at the head that was begun less than five seconds before the answer, and that look has not seen
 * the revocation, so that this came later. Whoever asked may get the answer as much later as one request takes, on a busy machine too: that is no part of the bound.
 */
async function heldAfterRevocation(store: RemoteStore, revoke: () => Promise<void>): Promise<number> {
  assert.equal(await store.has('counter'), true);
  await revoke();
  const revoked = performance.now();
  for (let last = revoked; ;) {
    const begun = performance.now();
    try {
      await store.has('counter');
      last = begun;
    } catch (error) {
      if (SecureStoreError.is(error, 'UNAUTHENTICATED')) return Math.round(last - revoked);
      throw error;
    }
    assert.ok(begun - revoked < PATIENCE, 'what was revoked counts at the other server for ever');
  }
}

/**
 * Two servers on one store at a backend that both reach: they count exactly, what one takes away the other stops honouring in time, and both go on
 * while keys are rotated.
 */
export async function twoServers(url: string, options: Partial<OpenOptions> = {}): Promise<void> {
  const unlock = rawKey(SECRET);
  await using stack = new AsyncDisposableStack();
  const one = stack.use(await createStore(url, { unlock, maintenance: false, ...options }));
  const other = stack.use(await openStore(url, { unlock, maintenance: false, ...options }));
  await one.access.change([
    setRole('all', [{ effect: 'allow', actions: ['*'] }]),
    addPrincipal('ann', 'user'),
    addPrincipal('ben', 'user'),
    grantRole('ann', 'all'),
    grantRole('ben', 'all'),
  ]);
  const ann = await one.access.createToken('ann');
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

  const held: number[] = [];
  for (let round = 0; round < (TORTURE ? 20 : 1); round++) {
    const token = await one.access.createToken('ben');
    held.push(
      await heldAfterRevocation(await open(1, token), async () => void (await here.access.revokeToken(token.id))),
    );
  }
  console.log(
    `what was revoked counted at the other server for ${held.map((ms) => `${ms} ms`).join(', ')}; the bound is ${BOUND} ms`,
  );
  // Of the short form nothing timed is asked.
  if (TORTURE) assert.ok(Math.max(...held) < BOUND, `${Math.max(...held)} ms`);

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
