import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import type { RemoteStore } from '@securestore/client';
import { openRemoteStore } from '@securestore/client';
import { openStore, rawKey } from 'securestore';
import { expect, it } from 'vitest';
import { Load } from '../../support/load.ts';
import type { ServingApart } from '../../support/serving-apart.ts';
import { isAlive, servingApart, tempFolder } from '../../support/serving-apart.ts';
import { PATIENCE, storeWithAnn, until } from '../../support/worker-world.ts';
import { SECRET } from '../../support/workers-of.ts';
import { ANSWERED_WITHIN, BEFORE_KILL, CLIENTS } from './crash.ts';

/** Folders of the server in its folder for temporary files. */
const foldersIn = (temp: string): string[] => readdirSync(temp).filter((name) => name.startsWith('securestore-'));

/** Kills the process of a server under load. @returns what was acknowledged */
async function killUnderLoad({ url, child, workers }: ServingApart, token: string): Promise<Load> {
  const load = new Load();
  const run = async (remote: RemoteStore, client: number): Promise<void> => {
    await load.run(client, remote);
    await remote.close();
  };
  // All are open before there is load: one that is slow would find no server any more.
  const remotes = await Promise.all(
    Array.from({ length: CLIENTS }, () => openRemoteStore(url, { credentials: { token } })),
  );
  const loads = remotes.map(run);
  await until('there is load', () => load.count >= BEFORE_KILL);
  expect(load.lost).toBe(0);
  child.kill('SIGKILL');
  await until('clients notice', () => load.lost > 0);
  load.stop();
  await Promise.all(loads);
  await until('its workers have ended', () => !workers.some(isAlive));
  console.log(`the longest request took ${Math.round(load.longest)} ms; ${load.lost} had no known outcome`);
  return load;
}

/** Sends SIGTERM to all processes of a server while the body of a request is being sent. */
async function stopWithinRequest({ url, child, workers }: ServingApart, token: string): Promise<void> {
  const body = new PassThrough();
  body.write('first ');
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/octet-stream',
    expect: '100-continue',
  };
  const { port } = new URL(url);
  const asked = request({ port, method: 'PUT', path: '/v1/objects/k', headers, agent: false });
  const answer = once(asked, 'response') as Promise<[IncomingMessage]>;
  body.pipe(asked);
  // Until the worker reads it, the signal might come first.
  await once(asked, 'continue');
  const exited = once(child, 'exit');
  for (const pid of [...workers, child.pid ?? 0]) process.kill(pid, 'SIGTERM');
  await until('no more connections are accepted', () =>
    fetch(`${url}/healthz`).then(
      () => false,
      () => true,
    ),
  );
  body.end('last');
  const [{ statusCode }] = await answer;
  expect(statusCode).toBe(200);
  expect(await exited).toEqual([0, null]);
  expect(workers.some(isAlive)).toBe(false);
}

/**
 * The test of a server with two workers whose process is killed, and which then is asked to end.
 *
 * @param freshUrl gives a place where nothing is
 */
export function describeApart(freshUrl: () => string): void {
  it(
    'kill -9 of the server under load loses nothing that was acknowledged and frees the port; SIGTERM lets requests end, and leaves nothing',
    async () => {
      const { url, token, store } = await storeWithAnn(undefined, {}, freshUrl());
      await store.close();
      const temp = tempFolder();
      const first = await servingApart(url, temp);
      const load = await killUnderLoad(first, token);
      expect(load.longest).toBeLessThan(ANSWERED_WITHIN);
      // The workers have removed what the dead process could not.
      expect(foldersIn(temp)).toEqual([]);
      const next = await servingApart(url, temp, { port: new URL(first.url).port });
      expect(next.url).toBe(first.url);
      const remote = await openRemoteStore(next.url, { credentials: { token } });
      await load.expectAllIn(remote);
      await remote.close();
      await stopWithinRequest(next, token);
      expect(foldersIn(temp)).toEqual([]);
      await using again = await openStore(url, { unlock: rawKey(SECRET), maintenance: false });
      expect((await again.retrieve('k')).text()).toBe('first last');
    },
    4 * PATIENCE,
  );
}
