import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openRemoteStore } from '@securestore/client';
import type { OpenOptions, RemoteStore, SecureStore } from 'securestore';
import { addPrincipal, createStore, grantRole, rawKey, setRole } from 'securestore';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { RunningServer, ServerOptions } from '../../src/index.ts';
import { serve } from '../../src/index.ts';
import { SECRET, workersOf } from './workers-of.ts';
import type { Logged } from './world.ts';
import { EVERYTHING } from './world.ts';

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

/** A store URL in a new folder. */
function inFolder(onEnd: OnEnd): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-workers-'));
  onEnd(() => rmSync(folder, { recursive: true, force: true }));
  return `sqlite:${join(folder, 'vault.db')}`;
}

/**
 * A new store that Ann may do everything with.
 *
 * @param url of a place where nothing is; by default one in SQLite
 */
export async function storeWithAnn(
  onEnd: OnEnd = onTestFinished,
  opening: Partial<OpenOptions> = {},
  url: string = inFolder(onEnd),
): Promise<{
  readonly store: SecureStore;
  readonly url: string;
  readonly token: string;
}> {
  const store = await createStore(url, { unlock: rawKey(SECRET), maintenance: false, ...opening });
  onEnd(() => store.close());
  await store.access.change([setRole('all', EVERYTHING), addPrincipal('ann', 'user'), grantRole('ann', 'all')]);
  return { store, url, token: (await store.access.createToken('ann')).token };
}

/** A store that a server with workers serves; this process is that of the server. */
export interface WorkerWorld {
  readonly store: SecureStore;
  readonly server: RunningServer;
  readonly token: string;
  readonly logged: readonly Logged[];
  readonly port: number;
  /** The process of each worker that is ready, by its number. */
  readonly pids: ReadonlyMap<number, number>;
  /** A client with a connection of its own. */
  readonly client: (token?: string) => Promise<RemoteStore>;
}

/** Has something done at the end of a test, or of the tests of a file. */
export type OnEnd = (end: () => void | Promise<void>) => void;

interface Shape {
  readonly count?: number;
  readonly trouble?: string;
  /** What workers find as their settings. */
  readonly settings?: unknown;
  /** What the store is opened with in this process. */
  readonly opening?: Partial<OpenOptions>;
  /** Of a place where nothing is; by default one in SQLite. */
  readonly url?: string | undefined;
  readonly onEnd?: OnEnd;
}

/**
 * A world for all tests of a file, or of a block.
 *
 * @param freshUrl gives a place where nothing is; by default one in SQLite
 */
export function sharedWorld(
  options: (onEnd: OnEnd) => Promise<ServerOptions> = async () => ({}),
  freshUrl?: () => string,
): () => WorkerWorld {
  const ends: (() => void | Promise<void>)[] = [];
  const onEnd: OnEnd = (end) => void ends.push(end);
  let shared: WorkerWorld | undefined;
  beforeAll(async () => {
    shared = await workerWorld(await options(onEnd), { url: freshUrl?.(), onEnd });
  }, 2 * PATIENCE);
  afterAll(async () => {
    for (const end of ends.toReversed()) await end();
  }, PATIENCE);
  return () => {
    if (shared === undefined) throw new Error('the world was not made');
    return shared;
  };
}

/** Serves a new store with workers until the test has ended, from when all of them are ready. */
export async function workerWorld(
  options: ServerOptions = {},
  { count = 2, trouble = '', settings, opening, url: at, onEnd = onTestFinished }: Shape = {},
): Promise<WorkerWorld> {
  const { store, url, token } = await storeWithAnn(onEnd, opening, at);
  const logged: Logged[] = [];
  const pids = new Map<number, number>();
  const note = (level: string) => (fields: object, message: string) => {
    logged.push({ level, fields, message });
    const { worker, pid } = fields as { readonly worker?: number; readonly pid?: number };
    if (worker !== undefined && pid !== undefined) pids.set(worker, pid);
  };
  const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const server = await serve(store, {
    port: 0,
    console: false,
    logger,
    workers: { ...workersOf(url, count, trouble), settings },
    ...options,
  });
  onEnd(() => server.close());
  await until('all workers are ready', () => pids.size === count);
  const client = async (own = token): Promise<RemoteStore> => {
    const remote = await openRemoteStore(server.url, { credentials: { token: own } });
    onEnd(() => remote.close());
    return remote;
  };
  return { store, server, port: Number(new URL(server.url).port), token, logged, pids, client };
}
