import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { CONSOLE_PATHS } from '@securestore/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serve } from '../../src/index.ts';
import { browserAt, builtConsole } from '../support/browser.ts';
import { operationsOf, pathFor } from '../support/interface.ts';
import type { Answer } from '../support/world.ts';
import { codeIn, EVERYTHING, world } from '../support/world.ts';

/** What each answer has to tell a browser. */
function expectSafe({ headers }: Answer, what: string): void {
  expect(headers, what).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  });
  const policy = String(headers['content-security-policy']);
  expect(policy, what).toContain("default-src 'none'");
  expect(policy, what).toContain("frame-ancestors 'none'");
  expect(policy, what).not.toMatch(/unsafe|\*|data:|blob:|https?:/);
  expect(headers['access-control-allow-origin'], what).toBeUndefined();
}

describe('the pages of the console', () => {
  it('are served as they were built, and kept as long as they may be', async () => {
    const here = await world({ console: await builtConsole() });
    const page = await here.send('GET', CONSOLE_PATHS.page);
    expect(page).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' },
    });
    expect(page.body.toString()).toContain('<title>console</title>');
    const path = `${CONSOLE_PATHS.page}assets/app-1a2b3c4d.js`;
    const plain = await here.send('GET', path);
    expect(plain.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'accept-encoding',
    });
    const compressed = await here.send('GET', path, { headers: { 'accept-encoding': 'br, gzip' } });
    expect(compressed.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(compressed.body).equals(plain.body)).toBe(true);
    expect(compressed.headers.etag).not.toBe(plain.headers.etag);
    for (const encoding of ['gzip;q=0', 'br', 'identity', 'gzip;q=0.0', '']) {
      const answer = await here.send('GET', path, { headers: { 'accept-encoding': encoding } });
      expect(answer.headers['content-encoding'], encoding).toBeUndefined();
    }
    for (const tag of [plain.headers.etag, `W/${plain.headers.etag}`, `"x", ${plain.headers.etag}`]) {
      const again = await here.send('GET', path, { headers: { 'if-none-match': String(tag) } });
      expect([again.status, again.body.length]).toEqual([304, 0]);
    }
    expect((await here.send('GET', path, { headers: { 'if-none-match': '"x"' } })).status).toBe(200);
  });

  it('stay as they were at the start, and nothing else of the disk is served', async () => {
    const folder = await builtConsole({ 'secret.txt': 'no' });
    const here = await world({ console: pathToFileURL(`${folder}/`) });
    await rm(folder, { recursive: true });
    expect((await here.send('GET', CONSOLE_PATHS.page)).status).toBe(200);
    for (const path of [
      'index.html',
      'assets',
      'assets/',
      'assets/none.js',
      '../console-files.ts',
      '%2e%2e/package.json',
      '..%2fpackage.json',
      'assets/%2e%2e/index.html',
      'assets//app-1a2b3c4d.js',
      './index.html',
      '%00',
      'x'.repeat(3000),
    ]) {
      const answer = await here.send('GET', `${CONSOLE_PATHS.page}${path}`);
      expect(codeIn(answer), path.slice(0, 40)).toBe('NOT_FOUND');
      expectSafe(answer, path);
    }
    for (const method of ['PUT', 'POST', 'DELETE', 'OPTIONS']) {
      expect((await here.send(method, CONSOLE_PATHS.page)).status, method).toBe(401);
    }
  });

  it('are where a browser finds them', async () => {
    const here = await world({ console: await builtConsole() });
    for (const path of ['/', '/console']) {
      const answer = await here.send('GET', path);
      expect([303, 308]).toContain(answer.status);
      expect(answer.headers.location).toBe(CONSOLE_PATHS.page);
    }
    for (const path of ['/', '/console', CONSOLE_PATHS.page, `${CONSOLE_PATHS.page}assets/app-1a2b3c4d.js`]) {
      const [whole, head] = [await here.send('GET', path), await here.send('HEAD', path)];
      expect([path, head.status, head.body.length]).toEqual([path, whole.status, 0]);
      expect(head.headers['content-type']).toBe(whole.headers['content-type']);
      expectSafe(head, path);
    }
    expect((await here.send('HEAD', CONSOLE_PATHS.session)).status).toBe(404);
    expect((await here.send('GET', CONSOLE_PATHS.settings)).json()).toEqual({
      version: expect.any(String),
      providers: [],
    });
  });

  it('are asked for at the start, with what is wrong with them', async () => {
    const { store } = await world();
    const empty = await mkdtemp(join(tmpdir(), 'console-'));
    onTestFinished(() => rm(empty, { recursive: true, force: true }));
    for (const console of [empty, join(empty, 'none')]) {
      await expect(serve(store, { port: 0, console })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
    for (const consoleOrigin of [
      'vault.example.com',
      'http://vault.example.com',
      'https://vault.example.com/',
      'ftp://127.0.0.1',
      '',
    ]) {
      await expect(serve(store, { port: 0, consoleOrigin }), consoleOrigin).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    }
  });
});

describe('every answer', () => {
  // T-WEB-03
  it('tells browsers that nothing of it is to be run, framed or guessed', async () => {
    const here = await world({ console: await builtConsole() });
    const token = await here.somebody('ann', EVERYTHING);
    const browser = browserAt(here);
    await browser.signIn(token);
    const operations = await operationsOf(here, token);
    const paths = operations.map((operation) => [operation.method, pathFor(operation, 'there')] as const);
    const others = [
      ['GET', '/'],
      ['GET', '/nowhere'],
      ['GET', CONSOLE_PATHS.page],
      ['GET', `${CONSOLE_PATHS.page}assets/app-1a2b3c4d.js`],
      ['GET', CONSOLE_PATHS.session],
      ['GET', CONSOLE_PATHS.settings],
      ['POST', CONSOLE_PATHS.session],
      ['POST', CONSOLE_PATHS.downloads],
      ['GET', `${CONSOLE_PATHS.downloads}/x`],
      ['TRACE', '/'],
    ] as const;
    for (const [method, path] of [...paths, ...others]) {
      for (const answer of [await here.send(method, path), await browser.send(method, path)]) {
        expectSafe(answer, `${method} ${path}`);
        if (path.startsWith('/v1')) expect(answer.headers['cache-control'], path).toBe('no-store');
      }
    }
    const malformed = await here.raw('GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n');
    expect(malformed).toContain(' 400 ');
    expect(malformed).toContain("content-security-policy: default-src 'none'; frame-ancestors 'none'");
  });

  // T-WEB-03
  it('of the page allows what its own origin has, and no more', async () => {
    const here = await world({ console: await builtConsole() });
    const { headers } = await here.send('GET', CONSOLE_PATHS.page);
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; " +
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    );
  });
});
