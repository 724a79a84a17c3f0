import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { openRemoteStore } from '@securestore/client';
import { openStore, rawKey, SecureStoreError } from 'securestore';
import { expect, it, onTestFinished } from 'vitest';
import { PATIENCE, storeWithAnn, until } from '../support/worker-world.ts';
import { SECRET } from '../support/workers-of.ts';

const SERVER = fileURLToPath(new URL('../processes/working-server.ts', import.meta.url));

interface Serving {
  readonly child: ChildProcess;
  readonly url: string;
  readonly workers: readonly number[];
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function serving(url: string, temp: string, port = '0'): Promise<Serving> {
  const child = fork(SERVER, [url, port], {
    execArgv: ['--conditions=@securestore/source', '--no-warnings'],
    env: { ...process.env, TMPDIR: temp },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const workers: number[] = [];
  let found = '';
  child.on('message', (message: { readonly url?: string; readonly pid?: number }) => {
    if (message.url !== undefined) found = message.url;
    if (message.pid !== undefined) workers.push(message.pid);
  });
  await until('the server and its workers are ready', () => workers.length === 2 && found !== '');
  return { child, url: found, workers };
}

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ss-temp-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

it(
  'kill -9 of the whole server under load loses nothing that was acknowledged; its workers end, and the port is free',
  async () => {
    const { url, token, store } = await storeWithAnn();
    await store.close();
    const temp = tempFolder();
    const first = await serving(url, temp);
    const acknowledged = new Map<string, string>();
    const tried = new Map<string, string>();
    let isKilled = false;
    const load = async (client: number): Promise<void> => {
      const remote = await openRemoteStore(first.url, { credentials: { token } });
      for (let n = 0; ; n++) {
        const [key, data] = [`client/${client}/${n % 10}`, String(n)];
        tried.set(key, data);
        try {
          await remote.store(key, data);
          acknowledged.set(key, data);
        } catch (error) {
          if (!SecureStoreError.is(error, 'UNAVAILABLE') || !isKilled) throw error;
          break;
        }
      }
      await remote.close();
    };
    const loads = Array.from({ length: 8 }, (_, client) => load(client));
    await until('there is load', () => acknowledged.size >= 40);
    isKilled = true;
    first.child.kill('SIGKILL');
    await Promise.all(loads);
    await until('its workers have ended', () => !first.workers.some(isAlive));
    // The workers have removed what the dead process could not.
    expect(readdirSync(temp).filter((name) => name.startsWith('securestore-'))).toEqual([]);
    const next = await serving(url, temp, new URL(first.url).port);
    expect(next.url).toBe(first.url);
    const remote = await openRemoteStore(next.url, { credentials: { token } });
    for (const [key, data] of acknowledged) {
      expect([data, tried.get(key)], key).toContain((await remote.retrieve(key)).text());
    }
    await remote.close();
  },
  4 * PATIENCE,
);

it(
  'SIGTERM to all its processes lets requests in progress end, and leaves no process and no file',
  async () => {
    const { url, token, store } = await storeWithAnn();
    await store.close();
    const temp = tempFolder();
    const { child, url: at, workers } = await serving(url, temp);
    // A body that is still being sent when the signal comes.
    const body = new PassThrough();
    body.write('first ');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' };
    const { port } = new URL(at);
    const asked = request({ port, method: 'PUT', path: '/v1/objects/k', headers, agent: false });
    const answer = once(asked, 'response') as Promise<[IncomingMessage]>;
    body.pipe(asked);
    // Until the worker reads it, the signal might come first.
    await new Promise((resolve) => setTimeout(resolve, 500));
    const exited = once(child, 'exit');
    for (const pid of [...workers, child.pid ?? 0]) process.kill(pid, 'SIGTERM');
    await until('no more connections are accepted', () =>
      fetch(`${at}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    body.end('last');
    const [{ statusCode }] = await answer;
    expect(statusCode).toBe(200);
    expect(await exited).toEqual([0, null]);
    expect(workers.some(isAlive)).toBe(false);
    expect(readdirSync(temp).filter((name) => name.startsWith('securestore-'))).toEqual([]);
    await using again = await openStore(url, { unlock: rawKey(SECRET), maintenance: false });
    expect((await again.retrieve('k')).text()).toBe('first last');
  },
  4 * PATIENCE,
);
