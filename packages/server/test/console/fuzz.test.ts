import { CONSOLE_HEADERS, CONSOLE_PATHS } from '@securestore/protocol';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Browser } from '../support/browser.ts';
import { browserAt, builtConsole } from '../support/browser.ts';
import { EVERYTHING, world } from '../support/world.ts';
import { sized, TORTURE } from '../../../../tools/campaigns/src/size.ts';
import { ANY_CHARACTER } from '../../../../tools/campaigns/src/any-character.ts';

const RUNS = sized({ short: 150, full: 500, torture: 50_000 });

const nasty = fc.constantFrom(
  '',
  '.',
  '..',
  '/',
  '%00',
  '__proto__',
  'constructor',
  '-1',
  '[]',
  '{}',
  '"',
  '\ud800',
  'A'.repeat(43),
);
const text = fc.oneof(
  nasty,
  fc.string({ unit: ANY_CHARACTER, maxLength: 60 }),
  fc.constantFrom('corp', 'object', 'archive'),
);
const headerText = text.map((one) => one.replaceAll(/[^\x20-\x7e]/g, '?'));
const anything = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  text,
  fc.constant(JSON.parse('{"__proto__":{"isAdmin":true}}') as object),
);
const member = fc.constantFrom(
  'token',
  'type',
  'key',
  'keys',
  'destination',
  'at',
  'snapshot',
  'prefix',
  'provider',
  'version',
);
const body = fc.oneof(
  fc.dictionary(member, anything, { maxKeys: 5 }).map((value) => JSON.stringify(value)),
  anything.map((value) => JSON.stringify(value) ?? ''),
  text.map((one) => one.toWellFormed()),
);
const path = fc.oneof(
  fc.constantFrom(...Object.values(CONSOLE_PATHS), '/', '/console'),
  text.map((one) => `${CONSOLE_PATHS.downloads}/${encodeURIComponent(one.toWellFormed())}`),
  text.map((one) => `${CONSOLE_PATHS.page}${encodeURI(one.toWellFormed())}`),
  fc
    .tuple(text, text)
    .map(
      ([name, value]) =>
        `${CONSOLE_PATHS.callback}?${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`,
    ),
);
const headers = fc.dictionary(
  fc.constantFrom(
    'cookie',
    'origin',
    'sec-fetch-site',
    'if-none-match',
    'accept-encoding',
    CONSOLE_HEADERS.csrf,
    CONSOLE_HEADERS.unattended,
  ),
  headerText,
  { maxKeys: 3 },
);

it(
  'the console has no defect, whatever is sent to it, and signs nobody in',
  async () => {
    const providers = [
      {
        name: 'corp',
        issuer: 'http://127.0.0.1:9',
        clientId: 'vault',
        redirect: `http://127.0.0.1:8420${CONSOLE_PATHS.callback}`,
      },
    ];
    const here = await world({
      console: await builtConsole(),
      providers,
      limits: { failuresPerAddress: 1e9, ratePerCaller: 1e9 },
    });
    const token = await here.somebody('ann', EVERYTHING);
    const known = browserAt(here);
    await known.signIn(token);
    const stranger = browserAt(here);
    const method = fc.constantFrom('GET', 'GET', 'POST', 'POST', 'DELETE', 'PUT', 'HEAD', 'OPTIONS');
    const type = fc.constantFrom('application/json', 'application/json', 'text/plain', '');
    const send = async (
      browser: Browser,
      asked: { method: string; path: string; type: string; body: string; more: object },
    ): Promise<void> => {
      const hasBody = asked.method === 'POST' || asked.method === 'PUT';
      const answer = await browser.send(asked.method, asked.path, {
        headers: { ...(hasBody && { 'content-type': asked.type }), ...(asked.more as Record<string, string>) },
        ...(hasBody && { body: asked.body }),
      });
      const what = JSON.stringify(asked);
      // A provider that can't be reached is no defect.
      expect(answer.status === 503 ? 400 : answer.status, `${what} ${answer.body.toString()}`).toBeLessThan(500);
      expect(answer.headers['content-security-policy'], what).toContain("default-src 'none'");
      expect(answer.headers.location ?? '/console/', what).toMatch(/^\/console\/(?:#\/sign-in\?error=[A-Z_]+)?$/);
      expect(`${answer.body.toString()}${JSON.stringify(answer.headers)}`, what).not.toContain(token);
    };
    await fc.assert(
      fc.asyncProperty(method, path, type, body, headers, async (how, where, kind, content, more) => {
        const asked = { method: how, path: where, type: kind, body: content, more };
        await send(stranger, asked);
        expect(stranger.cookies.has(`securestore-${here.port}`)).toBe(false);
        // Signing out is the one thing that it may come upon.
        if (!(how === 'DELETE' && where === CONSOLE_PATHS.session)) await send(known, asked);
      }),
      { numRuns: RUNS },
    );
    expect((await known.send('GET', '/v1/store')).status).toBe(200);
    expect(JSON.stringify(here.logged)).not.toContain(token);
  },
  TORTURE ? 3_600_000 : 120_000,
);
