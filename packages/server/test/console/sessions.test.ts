import type { ConsoleSession } from '@securestore/protocol';
import { CONSOLE_HEADERS, CONSOLE_PATHS } from '@securestore/protocol';
import { disablePrincipal, setApprovals, setRole } from 'securestore';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import type { Browser } from '../support/browser.ts';
import { browserAt, builtConsole } from '../support/browser.ts';
import type { World } from '../support/world.ts';
import { codeIn, EVERYTHING, world } from '../support/world.ts';

const { session: SESSION } = CONSOLE_PATHS;
const CSRF = CONSOLE_HEADERS.csrf;
const MINUTE = 60_000;

interface Scene extends World {
  readonly clock: FakeClock;
  readonly browser: Browser;
  readonly token: string;
}

async function scene(limits: object = {}): Promise<Scene> {
  const clock = new FakeClock();
  const here = await world({ clock, console: await builtConsole(), limits }, { clock });
  const token = await here.somebody('ann', EVERYTHING);
  return { ...here, clock, browser: browserAt(here), token };
}

async function signedIn(limits?: object): Promise<Scene> {
  const here = await scene(limits);
  expect((await here.browser.signIn(here.token)).status).toBe(200);
  return here;
}

const statusOf = async (browser: Browser, sent?: Parameters<Browser['send']>[2]): Promise<number> =>
  (await browser.send('GET', '/v1/store', sent)).status;

describe('signing in', () => {
  it('gives a session that both halves are needed for, and tells what may be done', async () => {
    const { browser, token, store } = await scene();
    const answer = await browser.signIn(token);
    const told = answer.json() as ConsoleSession;
    expect(told).toMatchObject({ principal: 'ann', fingerprint: store.fingerprint, idle: 15 * MINUTE });
    expect(told.permissions).toMatchObject({ 'restore.replace': 'allowed', health: 'allowed' });
    expect(Date.parse(told.ends)).toBeGreaterThan(0);
    expect((await browser.send('GET', '/v1/store')).json()).toMatchObject({ principal: 'ann' });
    // A page that was loaded anew has only the cookie, and gets the other half.
    const again = (await browser.send('GET', SESSION, { headers: { [CSRF]: '' } })).json() as ConsoleSession;
    expect(again.csrf).toBe(told.csrf);
  });

  it('sets a cookie that scripts and other sites can not use, with nothing of the token in it', async () => {
    const { browser, token, port, logged } = await scene();
    const answer = await browser.signIn(token);
    const [cookie = ''] = answer.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(new RegExp(`^securestore-${port}=[A-Za-z0-9_-]{43}; Path=/; HttpOnly; SameSite=Strict$`));
    const { csrf } = answer.json() as ConsoleSession;
    for (const secret of [token, csrf, cookie.slice(cookie.indexOf('=') + 1, cookie.indexOf(';'))]) {
      expect(JSON.stringify(logged)).not.toContain(secret);
    }
    expect(answer.body.toString()).not.toContain(token);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  // T-WEB-10
  it('refuses what is no token, and too many guesses, and takes nobody for another', async () => {
    const { browser, token } = await scene({ failuresPerAddress: 1 });
    for (const json of [{ token: 'x' }, { token: `${token}A` }]) {
      expect(codeIn(await browser.send('POST', SESSION, { json }))).toBe('UNAUTHENTICATED');
    }
    for (const json of [{}, { token: 7 }, { token, more: 1 }, [], 'x', { token: '' }, { token: 'x'.repeat(20_000) }]) {
      expect(codeIn(await browser.send('POST', SESSION, { json })), JSON.stringify(json).slice(0, 40)).toBe(
        'INVALID_ARGUMENT',
      );
    }
    // Of what comes from anybody no more is read than a token takes.
    expect(codeIn(await browser.send('POST', SESSION, { json: { token: 'x'.repeat(40_000) } }))).toBe('TOO_LARGE');
    const form = { body: `token=${token}`, headers: { 'content-type': 'application/x-www-form-urlencoded' } };
    expect(codeIn(await browser.send('POST', SESSION, form))).toBe('INVALID_ARGUMENT');
    for (let tries = 0; tries < 12; tries++) await browser.send('POST', SESSION, { json: { token: `x${tries}` } });
    expect(codeIn(await browser.send('POST', SESSION, { json: { token: 'x' } }))).toBe('THROTTLED');
    expect(browser.cookies.size).toBe(0);
  });

  // T-WEB-02
  it('always begins another session, and ends the one that there was: a cookie that was planted is good for nothing', async () => {
    const { browser, token, port } = await scene();
    const planted = 'A'.repeat(43);
    browser.cookies.set(`securestore-${port}`, planted);
    await browser.signIn(token);
    const first = browser.cookies.get(`securestore-${port}`);
    expect(first).not.toBe(planted);
    const before = { cookies: new Map(browser.cookies), csrf: browser.csrf };
    await browser.signIn(token);
    expect(browser.cookies.get(`securestore-${port}`)).not.toBe(first);
    const old = { cookie: `securestore-${port}=${first}`, [CSRF]: before.csrf ?? '' };
    expect(await statusOf(browser, { headers: old })).toBe(401);
    expect(await statusOf(browser)).toBe(200);
  });
});

describe('a cookie', () => {
  // T-WEB-01
  it('counts for nothing without the other half, or with a wrong one', async () => {
    const { browser, token, ...here } = await signedIn();
    const own = browser.csrf ?? '';
    const other = browserAt(here);
    await other.signIn(token);
    const wrong = ['', 'x', own.slice(0, -1), `${own}A`, own.toLowerCase(), other.csrf ?? ''];
    for (const csrf of wrong) expect(await statusOf(browser, { headers: { [CSRF]: csrf } }), csrf).toBe(401);
    browser.csrf = undefined;
    for (const [method, path] of [
      ['GET', '/v1/store'],
      ['GET', '/v1/keys'],
      ['PUT', '/v1/objects/a'],
      ['DELETE', SESSION],
      ['POST', CONSOLE_PATHS.downloads],
    ] as const) {
      const json = method === 'POST' ? { json: { type: 'object', key: 'a' } } : {};
      const answer = await browser.send(method, path, json);
      // Without the other half it is no request of the console, so its origin is not one that may be.
      expect([401, 403], `${method} ${path}`).toContain(answer.status);
    }
    expect(await here.store.list()).toEqual([]);
  });

  // T-WEB-02
  it('counts for nothing where it is there twice, malformed, or of another server', async () => {
    const { browser, port } = await signedIn();
    const name = `securestore-${port}`;
    const value = browser.cookies.get(name) ?? '';
    for (const cookie of [
      `${name}=${value}; ${name}=${'B'.repeat(43)}`,
      `${name}=${'B'.repeat(43)}; ${name}=${value}`,
      `${name}=${value}; ${name}=`,
      `${name}=${value}x`,
      `${name}="${value}"`,
      `securestore-${port + 1}=${value}`,
      `securestore=${value}`,
      `__Host-securestore=${value}`,
      '',
    ]) {
      expect(await statusOf(browser, { headers: { cookie } }), cookie.replaceAll(value, 'VALUE')).toBe(401);
    }
    expect(await statusOf(browser, { headers: { cookie: `other=1; ${name}=${value}; more=2` } })).toBe(200);
    const elsewhere = await signedIn();
    const foreign = { cookie: `securestore-${elsewhere.port}=${value}`, [CSRF]: browser.csrf ?? '' };
    expect(await statusOf(elsewhere.browser, { headers: foreign })).toBe(401);
  });

  // T-WEB-01
  it('counts for nothing for another page, whatever that sends', async () => {
    const { browser, port, token } = await signedIn();
    for (const headers of [
      { origin: 'https://elsewhere.example' },
      { origin: 'null' },
      { origin: '' },
      { origin: `https://127.0.0.1:${port}` },
      { origin: `http://127.0.0.1:${port + 1}` },
      { origin: `http://localhost:${port}` },
      { origin: `http://127.0.0.1:${port}.elsewhere.example` },
      { origin: [`http://127.0.0.1:${port}`, 'https://elsewhere.example'] },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'none' },
      // A name of somebody's that leads here.
      { origin: `http://elsewhere.example:${port}`, host: `elsewhere.example:${port}` },
    ]) {
      for (const [method, path] of [
        ['GET', '/v1/store'],
        ['GET', SESSION],
        ['DELETE', SESSION],
        ['GET', CONSOLE_PATHS.settings],
      ] as const) {
        const answer = await browser.send(method, path, { headers });
        expect(codeIn(answer), `${method} ${path} ${JSON.stringify(headers)}`).toBe('ACCESS_DENIED');
        expect(answer.headers['access-control-allow-origin']).toBeUndefined();
      }
      const signIn = await browser.send('POST', SESSION, { json: { token }, headers });
      expect(codeIn(signIn), JSON.stringify(headers)).toBe('ACCESS_DENIED');
      expect(signIn.headers['set-cookie']).toBeUndefined();
    }
    expect(await statusOf(browser)).toBe(200);
    const here = { origin: `http://localhost:${port}`, host: `localhost:${port}` };
    expect(await statusOf(browser, { headers: here })).toBe(200);
  });

  it('does not go together with a bearer token, which no page sends', async () => {
    const { browser, token } = await signedIn();
    expect(await statusOf(browser, { token })).toBe(200);
    const answer = await browser.send('GET', '/v1/store', { token, headers: { origin: browser.origin } });
    expect(codeIn(answer)).toBe('ACCESS_DENIED');
    expect(await statusOf(browser, { token: 'x' })).toBe(401);
  });
});

describe('a session', () => {
  it('ends when nobody does anything, and not by what a page asks by itself', async () => {
    const { browser, clock } = await signedIn();
    clock.advance(14 * MINUTE);
    expect(await statusOf(browser)).toBe(200);
    clock.advance(14 * MINUTE);
    const unattended = { headers: { [CONSOLE_HEADERS.unattended]: 'true' } };
    expect(await statusOf(browser, unattended)).toBe(200);
    clock.advance(2 * MINUTE);
    expect(await statusOf(browser, unattended)).toBe(401);
    expect(await statusOf(browser)).toBe(401);
  });

  it('tells how long it lasts if nobody asks anything, which asking by itself does not prolong', async () => {
    const { browser, clock } = await signedIn();
    const left = async (headers: Readonly<Record<string, string>> = {}): Promise<number> =>
      ((await browser.send('GET', SESSION, { headers })).json() as ConsoleSession).left;
    expect(await left()).toBe(15 * MINUTE);
    clock.advance(10 * MINUTE);
    expect(await left({ [CONSOLE_HEADERS.unattended]: 'true' })).toBe(5 * MINUTE);
    expect(await left()).toBe(15 * MINUTE);
    for (let part = 0; part < 46; part++) {
      clock.advance(10 * MINUTE);
      await left();
    }
    expect(await left()).toBe(10 * MINUTE);
  });

  it('ends with its token, and tells so', async () => {
    const { browser, clock, store } = await scene();
    const ends = new Date(clock.now() + 10 * MINUTE);
    const { token } = await store.access.createToken('ann', { expires: ends });
    await browser.signIn(token);
    const told = async (): Promise<Pick<ConsoleSession, 'left' | 'ends'>> =>
      (await browser.send('GET', SESSION)).json() as ConsoleSession;
    expect(await told()).toMatchObject({ left: 10 * MINUTE, ends: ends.toISOString() });
    clock.advance(4 * MINUTE);
    expect(await told()).toMatchObject({ left: 6 * MINUTE, ends: ends.toISOString() });
    clock.advance(6 * MINUTE);
    expect(await statusOf(browser)).toBe(401);
  });

  it('ends in any case after its time', async () => {
    const { browser, clock } = await signedIn();
    for (let quarter = 0; quarter < 4 * 8 - 1; quarter++) {
      clock.advance(15 * MINUTE - 1000);
      expect(await statusOf(browser)).toBe(200);
    }
    clock.advance(15 * MINUTE - 1000);
    clock.advance(60_000);
    expect(await statusOf(browser)).toBe(401);
  });

  // T-WEB-02
  it('is over at once when somebody signs out, and can not be used again', async () => {
    const { browser, port } = await signedIn();
    const kept = {
      cookie: `securestore-${port}=${browser.cookies.get(`securestore-${port}`)}`,
      [CSRF]: browser.csrf ?? '',
    };
    const answer = await browser.send('DELETE', SESSION);
    expect(answer.status).toBe(200);
    expect(browser.cookies.size).toBe(0);
    expect(await statusOf(browser, { headers: kept })).toBe(401);
    expect((await browser.send('GET', SESSION, { headers: kept })).status).toBe(401);
  });

  it('ends at once with what it was begun with, with its principal, and with a right', async () => {
    const { browser, store, ...here } = await signedIn();
    await here.somebody('root', EVERYTHING);
    await store.access.change(setRole('of ann', [{ effect: 'allow', actions: ['health'] }]));
    expect(codeIn(await browser.send('GET', '/v1/jobs'))).toBe('ACCESS_DENIED');
    expect(((await browser.send('GET', SESSION)).json() as ConsoleSession).permissions).toMatchObject({
      jobs: 'denied',
    });
    const info = (await store.access.tokens()).find(({ principal }) => principal === 'ann');
    await store.access.revokeToken(info?.id ?? '');
    expect(await statusOf(browser)).toBe(401);
    const second = browserAt(here);
    await second.signIn((await store.access.createToken('ann')).token);
    expect(await statusOf(second)).toBe(200);
    await store.access.change([setRole('of ann', EVERYTHING), disablePrincipal('ann', true)]);
    expect(codeIn(await second.send('GET', '/v1/jobs'))).toBe('ACCESS_DENIED');
  });

  it('tells what takes a second person', async () => {
    const { browser, store } = await signedIn();
    await store.access.change(setApprovals([{ actions: ['restore.replace'] }]));
    const told = (await browser.send('GET', SESSION)).json() as ConsoleSession;
    expect(told.permissions).toMatchObject({ 'restore.replace': 'approval', restore: 'allowed' });
  });

  it('is one of 32 at most of somebody, of which the oldest goes', async () => {
    const { browser, token, ...here } = await signedIn();
    for (let number = 0; number < 32; number++) expect((await browserAt(here).signIn(token)).status).toBe(200);
    expect(await statusOf(browser)).toBe(401);
  });
});

describe('a server without the console', () => {
  it('has no session, and refuses its headers as it refuses pages', async () => {
    const here = await world({ console: false });
    const token = await here.somebody('ann', EVERYTHING);
    const browser = browserAt(here);
    expect((await browser.signIn(token)).status).toBe(403);
    for (const path of [SESSION, CONSOLE_PATHS.page, '/']) {
      expect((await here.send('GET', path)).status).toBe(401);
      expect((await here.send('GET', path, { token })).status).toBe(404);
    }
    expect((await here.send('GET', '/v1/store', { headers: { [CSRF]: 'x' } })).status).toBe(401);
  });
});
