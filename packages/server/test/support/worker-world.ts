import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openRemoteStore } from '@securestore/client';
import type { RemoteStore, SecureStore } from 'securestore';
import { addPrincipal, createStore, grantRole, rawKey, setRole } from 'securestore';
import { onTestFinished } from 'vitest';
import type { RunningServer, ServerOptions, WorkerOptions } from '../../src/index.ts';
import { serve } from '../../src/index.ts';
import type { Logged } from './world.ts';
import { EVERYTHING } from './world.ts';

export const SECRET: Buffer = Buffer.alloc(32, 9);
export const WORKER: string = fileURLToPath(new URL('../processes/worker.ts', import.meta.url));
/** How long a machine that is busy may take for anything, in milliseconds. */
export const PATIENCE = 60_000;

/** Waits until something is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const begun = performance.now();
  while (!(await isSo())) {
    if (performance.now() - begun > PATIENCE) throw new Error(`waited in vain: ${what}`);
    await sleep(20);
  }
}

/** A new store in SQLite that Ann may do everything with. */
export async function storeWithAnn(): Promise<{ readonly store: SecureStore; readonly url: string; readonly token: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-workers-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const url = `sqlite:${join(folder, 'vault.db')}`;
  const store = await createStore(url, { unlock: rawKey(SECRET), maintenance: false });
  onTestFinished(() => store.close());
  await store.access.change([setRole('all', EVERYTHING), addPrincipal('ann', 'user'), grantRole('ann', 'all')]);
  return { store, url, token: (await store.access.createToken('ann')).token };
}

/** A store that a server with workers serves; this process is that of the server. */
export interface WorkerWorld {
  readonly store: SecureStore;
  readonly server: RunningServer;
  readonly token: string;
  readonly logged: readonly Logged[];
  /** The process of each worker that is ready, by its number. */
  readonly pids: ReadonlyMap<number, number>;
  /** A client with a connection of its own. */
  readonly client: (token?: string) => Promise<RemoteStore>;
}

/** What workers are started with. */
export function workersOf(url: string, count: number, ...args: string[]): WorkerOptions {
  return {
    count,
    module: WORKER,
    args: [url, ...args],
    env: { ...process.env, NODE_OPTIONS: '--conditions=@securestore/source --no-warnings' },
    secrets: async (name) => (name === 'unlock' ? [Buffer.from(SECRET)] : []),
  };
}

/** Serves a new store with workers until the test has ended, from when all of them are ready. */
export async function workerWorld(
  options: ServerOptions = {},
  { count = 2, trouble = '' }: { readonly count?: number; readonly trouble?: string } = {},
): Promise<WorkerWorld> {
  const { store, url, token } = await storeWithAnn();
  const logged: Logged[] = [];
  const pids = new Map<number, number>();
  const note = (level: string) => (fields: object, message: string) => {
    logged.push({ level, fields, message });
    const { worker, pid } = fields as { readonly worker?: number; readonly pid?: number };
    if (worker !== undefined && pid !== undefined) pids.set(worker, pid);
  };
  const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const server = await serve(store, { port: 0, console: false, logger, workers: workersOf(url, count, trouble), ...options });
  onTestFinished(() => server.close());
  await until('all workers are ready', () => pids.size === count);
  const client = async (own = token): Promise<RemoteStore> => {
    const remote = await openRemoteStore(server.url, { credentials: { token: own } });
    onTestFinished(() => remote.close());
    return remote;
  };
  return { store, server, token, logged, pids, client };
}
