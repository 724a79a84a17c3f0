import type { ConsoleSession, OidcStart } from '@securestore/protocol';
import { CONSOLE_PATHS } from '@securestore/protocol';
import { jwt, setRole } from 'securestore';
import { expect, it } from 'vitest';
import { browserAt, builtConsole } from '../support/browser.ts';
import { frontPort } from '../support/front-port.ts';
import { CLIENT, oidcProvider } from '../support/oidc-provider.ts';
import { PATIENCE, workerWorld } from '../support/worker-world.ts';
import { sendTo } from '../support/world.ts';

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
