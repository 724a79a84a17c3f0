import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RemoteStore } from '@securestore/client';
import { openRemoteStore } from '@securestore/client';
import { addPrincipal, createStore, grantRole, openStore, rawKey, SecureStoreError, setRole } from 'securestore';
import { expect, it, onTestFinished } from 'vitest';
import { EVERYTHING } from './support/world.ts';
import { sized, TORTURE } from '../../../tools/campaigns/src/size.ts';

const SERVER = fileURLToPath(new URL('processes/killed-server.ts', import.meta.url));
const ROUNDS = sized({ short: 1, full: 2, torture: 30 });
const CLIENTS = 8;
const unlock = rawKey(Buffer.alloc(32, 9));

interface Serving {
  readonly url: string;
  readonly kill: () => Promise<void>;
}

async function serving(storeUrl: string): Promise<Serving> {
  const child = fork(SERVER, [storeUrl], { execArgv: ['--no-warnings'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { url, kill };
}

it(
  'kill -9 under load loses nothing that was acknowledged, and the next server goes on with its jobs',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'securestore-killed-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const url = `sqlite:${join(folder, 'vault.db')}`;
    const first = await createStore(url, { unlock, maintenance: false });
    await first.access.change([setRole('all', EVERYTHING), addPrincipal('ann', 'user'), grantRole('ann', 'all')]);
    const { token } = await first.access.createToken('ann');
    await first.storeMany(Array.from({ length: 300 }, (_, n) => ({ key: `before/${n}`, data: 'x'.repeat(100) })));
    await first.close();
    /** What was acknowledged last, of each key. */
    const acknowledged = new Map<string, string>();
    /** What may have been stored as well, after that. */
    const tried = new Map<string, string>();
    for (let round = 0; round < ROUNDS; round++) {
      const server = await serving(url);
      const killed = new AbortController();
      const load = async (store: RemoteStore, client: number): Promise<void> => {
        for (let n = 0; !killed.signal.aborted; n++) {
          const [key, data] = [`client/${client}/${n % 20}`, `${round}/${n}`];
          tried.set(key, data);
          try {
            await store.store(key, data.padEnd(n % 50 === 0 ? 100_000 : 10));
            acknowledged.set(key, data);
          } catch (error) {
            // Nobody knows what became of what was under way.
            if (!SecureStoreError.is(error, 'UNAVAILABLE') || !killed.signal.aborted) throw error;
          }
        }
        await store.close();
      };
      const officer = await openRemoteStore(server.url, { credentials: { token } });
      // All are open before there is load: one that is slow would find no server any more.
      const stores = await Promise.all(
        Array.from({ length: CLIENTS }, () => openRemoteStore(server.url, { credentials: { token } })),
      );
      const loads = stores.map(load);
      const job = officer.rotateEncryptionKey(Buffer.alloc(32, 9), Buffer.alloc(32, 9), { depth: 'data' });
      const outcome = job.catch((error: unknown) => error);
      await job.progress[Symbol.asyncIterator]().next();
      while (acknowledged.size < 40) await new Promise((resolve) => setTimeout(resolve, 20));
      killed.abort();
      await server.kill();
      await Promise.all([...loads, outcome]);
      await officer.close();
    }
    const last = await serving(url);
    const store = await openRemoteStore(last.url, { credentials: { token } });
    for (const [key, data] of acknowledged) {
      expect([data, tried.get(key)], key).toContain((await store.retrieve(key)).text().trimEnd());
    }
    // What the dead ones have left is gone on with once their lease is over.
    while ((await store.jobs.list()).length > 0) await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await store.verify({ payloads: true })).ok).toBe(true);
    await store.close();
    await last.kill();
    await using again = await openStore(url, { unlock, maintenance: false });
    expect((await again.list('before/')).length).toBe(300);
  },
  TORTURE ? 3_600_000 : 120_000,
);
