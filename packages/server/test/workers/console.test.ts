import type { ConsoleSession, OidcStart } from '@securestore/protocol';
import { CONSOLE_PATHS } from '@securestore/protocol';
import { jwt, setRole } from 'securestore';
import { expect, it } from 'vitest';
import { browserAt, builtConsole } from '../support/browser.ts';
import { frontPort } from '../support/front-port.ts';
import { CLIENT, oidcProvider } from '../support/oidc-provider.ts';
import { PATIENCE, workerWorld } from '../support/worker-world.ts';
import { codeIn, sendTo } from '../support/world.ts';

it(
  'keeps sessions of the console and downloads, whichever worker a connection is at',
  async () => {
    const { port, token, client } = await workerWorld({ console: await builtConsole() });
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
  'ends a sign-in with a provider that began at another worker, whose tokens all workers accept',
  async () => {
    const front = await frontPort();
    const redirect = `http://127.0.0.1:${front.port}${CONSOLE_PATHS.callback}`;
    const { issuer, signIn } = await oidcProvider(redirect, { carol: ['db-team'] });
    const tokens = {
      name: 'corp',
      keys: `${issuer}/jwks`,
      issuer,
      audience: CLIENT.id,
      algorithms: ['RS256' as const],
      roles: { claim: 'groups', map: { 'db-team': 'viewer' } },
    };
    const provider = {
      name: 'corp',
      issuer,
      clientId: CLIENT.id,
      clientSecret: CLIENT.secret,
      redirect,
      scopes: ['groups'],
    };
    const { port, store } = await workerWorld(
      { console: await builtConsole(), providers: [provider] },
      { settings: tokens, opening: { authenticators: [jwt({ ...tokens, keys: new URL(tokens.keys) })] } },
    );
    await store.access.change(setRole('viewer', [{ effect: 'allow', actions: ['backup.view'] }]));
    const browser = browserAt({ port: front.port, send: (method, path, sent) => sendTo(port, method, path, sent) });
    const begun = await browser.send('POST', CONSOLE_PATHS.oidc, { json: { provider: 'corp' } });
    const to = await signIn((begun.json() as OidcStart).url, 'carol');
    const headers = { 'sec-fetch-site': 'cross-site' };
    const back = await browser.send('GET', `${to.pathname}${to.search}`, { headers });
    expect(back).toMatchObject({ status: 303, headers: { location: CONSOLE_PATHS.page } });
    const told = (await browser.send('GET', CONSOLE_PATHS.session)).json() as ConsoleSession;
    expect(told).toMatchObject({ principal: 'corp:carol' });
  },
  2 * PATIENCE,
);
