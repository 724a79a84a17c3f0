import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConsoleSession, ConsoleSettings, OidcStart } from '@securestore/protocol';
import { CONSOLE_PATHS } from '@securestore/protocol';
import { jwt, setRole } from 'securestore';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serve } from '../../src/index.ts';
import type { ConsoleProvider } from '../../src/index.ts';
import type { Browser } from '../support/browser.ts';
import { browserAt, builtConsole } from '../support/browser.ts';
import type { TestProvider } from '../support/oidc-provider.ts';
import { frontPort } from '../support/front-port.ts';
import { CLIENT, oidcProvider, saying } from '../support/oidc-provider.ts';
import type { Answer, World } from '../support/world.ts';
import { codeIn, world } from '../support/world.ts';

interface Scene extends World {
  readonly provider: TestProvider;
  readonly browser: () => Browser;
  /** Begins to sign in. @returns where the browser has to go */
  readonly start: (browser: Browser) => Promise<string>;
  /** Comes back from the provider. */
  readonly back: (browser: Browser, to: URL) => Promise<Answer>;
}

async function scene(more: Partial<ConsoleProvider> = {}): Promise<Scene> {
  const { port } = await frontPort();
  const redirect = `http://127.0.0.1:${port}${CONSOLE_PATHS.callback}`;
  const provider = await oidcProvider(redirect, { carol: ['db-team'] });
  const { issuer } = provider;
  const folder = await mkdtemp(join(tmpdir(), 'oidc-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const clientSecretFile = join(folder, 'secret');
  await writeFile(clientSecretFile, `${CLIENT.secret}\n`);
  const authenticator = jwt({
    name: 'corp',
    keys: new URL(`${issuer}/jwks`),
    issuer,
    audience: CLIENT.id,
    algorithms: ['RS256'],
    roles: { claim: 'groups', map: { 'db-team': 'viewer' } },
  });
  const providers = [
    {
      name: 'corp',
      title: 'Corp',
      issuer,
      clientId: CLIENT.id,
      clientSecretFile,
      redirect,
      scopes: ['groups'],
      ...more,
    },
  ];
  const here = await world({ console: await builtConsole(), providers }, { authenticators: [authenticator] });
  await here.store.access.change(setRole('viewer', [{ effect: 'allow', actions: ['backup.view'] }]));
  return {
    ...here,
    provider,
    browser: () => browserAt({ send: here.send, port }),
    async start(browser) {
      const answer = await browser.send('POST', CONSOLE_PATHS.oidc, { json: { provider: 'corp' } });
      expect(answer.status, answer.body.toString()).toBe(200);
      return (answer.json() as OidcStart).url;
    },
    // A browser that comes from another site sends the cookies that may come along from there.
    back: (browser, to) =>
      browser.send('GET', `${to.pathname}${to.search}`, { headers: { 'sec-fetch-site': 'cross-site' } }),
  };
}

const sessionOf = async (browser: Browser): Promise<ConsoleSession> =>
  (await browser.send('GET', CONSOLE_PATHS.session)).json() as ConsoleSession;

const FAILED = `${CONSOLE_PATHS.page}#/sign-in?error=UNAUTHENTICATED`;

describe('signing in with a provider', () => {
  it('makes whoever the provider knows a principal with the roles of their groups', async () => {
    const { browser, start, back, provider, send, logged } = await scene();
    const settings = (await send('GET', CONSOLE_PATHS.settings)).json() as ConsoleSettings;
    expect(settings.providers).toEqual([{ name: 'corp', title: 'Corp' }]);
    const carol = browser();
    const url = new URL(await start(carol));
    expect(url.origin).toBe(provider.issuer);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: 'code',
      client_id: CLIENT.id,
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      scope: 'openid groups',
    });
    const to = await provider.signIn(url.href, 'carol');
    const answer = await back(carol, to);
    expect(answer).toMatchObject({ status: 303, headers: { location: CONSOLE_PATHS.page } });
    const told = await sessionOf(carol);
    expect(told).toMatchObject({
      principal: 'corp:carol',
      permissions: { 'backup.view': 'allowed', restore: 'denied' },
    });
    carol.csrf = told.csrf;
    expect((await carol.send('GET', '/v1/recovery-points/destinations')).status).toBe(200);
    // Neither the code, nor what stands for what was begun, nor the secret is in any log.
    const log = JSON.stringify(logged);
    for (const secret of [to.searchParams.get('code') ?? 'x', to.searchParams.get('state') ?? 'x', CLIENT.secret]) {
      expect(log).not.toContain(secret);
    }
    expect([...carol.cookies.keys()]).toHaveLength(1);
  });

  it('sets cookies that last as long as it takes, and come along from another site only for that', async () => {
    const { browser, send, port } = await scene();
    const here = browser();
    const answer = await here.send('POST', CONSOLE_PATHS.oidc, { json: { provider: 'corp' } });
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(
      new RegExp(`^securestore-oidc-${port}=[\\w-]{43}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax$`),
    );
    for (const headers of [{ origin: 'https://elsewhere.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const foreign = await here.send('POST', CONSOLE_PATHS.oidc, { json: { provider: 'corp' }, headers });
      expect(codeIn(foreign)).toBe('ACCESS_DENIED');
    }
    for (const json of [{}, { provider: 7 }, { provider: 'corp', redirect: 'https://elsewhere.example' }]) {
      expect(codeIn(await here.send('POST', CONSOLE_PATHS.oidc, { json }))).toBe('INVALID_ARGUMENT');
    }
    expect(codeIn(await here.send('POST', CONSOLE_PATHS.oidc, { json: { provider: 'other' } }))).toBe('NOT_FOUND');
    expect((await send('GET', CONSOLE_PATHS.oidc)).status).not.toBe(200);
  });

  // T-WEB-04
  it('fails for another state, nonce, code, browser or time, and leads nowhere else', async () => {
    const { browser, start, back, provider } = await scene();
    const attempt = async (alter: (to: URL, here: Browser) => void | Promise<void>): Promise<void> => {
      const here = browser();
      const to = await provider.signIn(await start(here), 'carol');
      await alter(to, here);
      const answer = await back(here, to);
      expect(answer.status).toBe(303);
      expect(answer.headers.location).toBe(FAILED);
      expect((await here.send('GET', CONSOLE_PATHS.session)).status).toBe(401);
    };
    await attempt((to) => to.searchParams.set('state', 'A'.repeat(43)));
    await attempt((to) => to.searchParams.delete('state'));
    await attempt((to) => to.searchParams.set('code', `${to.searchParams.get('code')}x`));
    await attempt((to) => to.searchParams.delete('code'));
    await attempt((to) => to.searchParams.set('iss', 'https://elsewhere.example'));
    await attempt((to) => to.searchParams.append('state', to.searchParams.get('state') ?? ''));
    // Without what was begun, or with what was begun by somebody else: the answer of another one is good for nobody.
    await attempt((_, here) => here.cookies.clear());
    await attempt(async (_, here) => {
      const other = browser();
      await start(other);
      for (const [name, value] of other.cookies) here.cookies.set(name, value);
    });
    // A code is bound to what its browser began: PKCE, nonce and state together.
    const [mallory, victim] = [browser(), browser()];
    const stolen = await provider.signIn(await start(mallory), 'carol');
    await start(victim);
    expect((await back(victim, stolen)).headers.location).toBe(FAILED);
    const answer = await back(
      browser(),
      new URL(`http://x${CONSOLE_PATHS.callback}?error=access_denied&next=https://elsewhere.example`),
    );
    expect(answer.headers.location).toBe(FAILED);
  });

  // T-WEB-04
  it('is done once: what has led here before does not again', async () => {
    const { browser, start, back, provider } = await scene();
    const here = browser();
    const to = await provider.signIn(await start(here), 'carol');
    const begun = new Map(here.cookies);
    expect((await back(here, to)).headers.location).toBe(CONSOLE_PATHS.page);
    const again = browser();
    for (const [name, value] of begun) again.cookies.set(name, value);
    expect((await back(again, to)).headers.location).toBe(FAILED);
  });

  it('sends the code back with the proof of who began', async () => {
    const { browser, start, back, provider } = await scene();
    const here = browser();
    // Whoever could change where the browser is sent to, and has it ask without a challenge of its own, gets no code at all.
    const url = new URL(await start(here));
    url.searchParams.delete('code_challenge');
    const refused = await provider.signIn(url.href, 'carol');
    expect(refused.searchParams.get('error')).toBe('invalid_request');
    expect((await back(here, refused)).headers.location).toBe(FAILED);
    // And with another one's challenge the code is worth nothing.
    const other = browser();
    const changed = new URL(await start(other));
    changed.searchParams.set('code_challenge', 'A'.repeat(43));
    expect((await back(other, await provider.signIn(changed.href, 'carol'))).headers.location).toBe(FAILED);
    const third = browser();
    const renonced = new URL(await start(third));
    renonced.searchParams.set('nonce', 'x');
    expect((await back(third, await provider.signIn(renonced.href, 'carol'))).headers.location).toBe(FAILED);
  });

  it('needs the secret of the client, and a provider that answers', async () => {
    const wrong = await scene({ clientSecretFile: undefined, clientSecret: 'wrong' });
    const here = wrong.browser();
    const to = await wrong.provider.signIn(await wrong.start(here), 'carol');
    expect((await wrong.back(here, to)).headers.location).toBe(FAILED);
    const gone = await scene({ issuer: `http://127.0.0.1:${(await frontPort()).port}` });
    const answer = await gone.browser().send('POST', CONSOLE_PATHS.oidc, { json: { provider: 'corp' } });
    expect(codeIn(answer)).toBe('UNAVAILABLE');
  });

  // T-WEB-05
  it('leads nobody to what a provider says that is no address of a page', async () => {
    for (const endpoint of [
      'javascript:alert(1)//',
      'http://login.example.com/',
      'data:text/html,x',
      'x',
      7,
      undefined,
    ]) {
      const issuer = await saying((own) => ({ issuer: own, authorization_endpoint: endpoint }));
      const { browser } = await scene({ issuer });
      const answer = await browser().send('POST', CONSOLE_PATHS.oidc, { json: { provider: 'corp' } });
      expect(codeIn(answer), String(endpoint)).toBe('UNAVAILABLE');
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  it('is set up with what makes sense, or not at all', async () => {
    const { store, provider } = await scene();
    const redirect = `https://vault.example.com${CONSOLE_PATHS.callback}`;
    const good = { name: 'corp', issuer: provider.issuer, clientId: 'vault', redirect };
    for (const bad of [
      { ...good, name: 'Corp' },
      { ...good, issuer: 'http://login.example.com' },
      { ...good, issuer: 'login' },
      { ...good, clientId: '' },
      { ...good, redirect: 'https://vault.example.com/elsewhere' },
      { ...good, redirect: `${redirect}?next=x` },
      { ...good, redirect: `http://vault.example.com${CONSOLE_PATHS.callback}` },
      { ...good, clientSecret: 'x', clientSecretFile: 'y' },
    ]) {
      await expect(serve(store, { port: 0, providers: [bad] }), JSON.stringify(bad)).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    }
    await expect(serve(store, { port: 0, providers: [good, good] })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
