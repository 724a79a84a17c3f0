import { CONSOLE_PATHS } from '@securestore/protocol';
import { expect, it } from 'vitest';
import { browserAt, builtConsole } from '../../support/browser.ts';
import { fill } from '../../support/hanging.ts';
import type { OnEnd, WorkerWorld } from '../../support/worker-world.ts';
import { PATIENCE, until } from '../../support/worker-world.ts';
import type { ServerOptions } from '../../../src/index.ts';
import { codeIn, sendTo } from '../../support/world.ts';

const CALLER_PLACES = 32;

/** Settings of a server whose shared state is tested: with pages, and with a limit so low that workers keep nothing of it. */
export async function withSharedState(onEnd: OnEnd): Promise<ServerOptions> {
  return { console: await builtConsole({}, onEnd), limits: { concurrencyPerCaller: CALLER_PLACES } };
}

/** The tests of state that a server with two workers has once: sessions and limits. */
export function describeSharedState(world: () => WorkerWorld): void {
  it(
    'keeps sessions of the console and downloads, whichever worker a connection is at',
    async () => {
      const { port, token, client } = world();
      await (await client()).store('a/b', 'data');
      // Each request of the browser has a connection of its own: they go to all workers.
      const browser = browserAt({ port, send: (method, path, sent) => sendTo(port, method, path, sent) });
      expect((await browser.send('GET', CONSOLE_PATHS.page)).status).toBe(200);
      expect((await browser.signIn(token)).status).toBe(200);
      for (let n = 0; n < 4; n++)
        expect((await browser.send('GET', '/v1/store')).json()).toMatchObject({ principal: 'ann' });
      expect((await browser.send('GET', '/v1/objects/a/b')).body.toString()).toBe('data');
      const asked = await browser.send('POST', CONSOLE_PATHS.downloads, { json: { type: 'object', key: 'a/b' } });
      const { url } = asked.json() as { readonly url: string };
      const { csrf } = browser;
      browser.csrf = undefined;
      expect((await browser.send('GET', url)).body.toString()).toBe('data');
      expect(codeIn(await browser.send('GET', url))).toBe('NOT_FOUND');
      browser.csrf = csrf;
      expect((await browser.send('DELETE', CONSOLE_PATHS.session)).status).toBe(200);
      for (let n = 0; n < 4; n++) expect((await browser.send('GET', '/v1/store')).status).toBe(401);
    },
    2 * PATIENCE,
  );

  it(
    'has the limits of the server and not of each worker: requests at once of one caller',
    async () => {
      const { port, token } = world();
      const status = async (): Promise<number> => (await sendTo(port, 'GET', '/v1/exists/k', { token })).status;
      const all = await fill(port, token, CALLER_PLACES, status);
      // At every worker: each request has a connection of its own.
      for (let n = 0; n < 4; n++) expect((await sendTo(port, 'GET', '/v1/exists/k', { token })).status).toBe(429);
      expect((await sendTo(port, 'GET', '/v1/store', { token })).status).toBe(429);
      for (const asked of all) asked.destroy();
      await until(
        'the places are free',
        async () => (await sendTo(port, 'GET', '/v1/exists/k', { token })).status === 200,
      );
    },
    2 * PATIENCE,
  );
}
