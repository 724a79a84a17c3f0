import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { NO_OPENSSL, selfSigned } from '../../backend-redis/test/support/certificates.ts';
import { impatient } from '../../backend-redis/test/support/impatient.ts';
import { expectNoSecret } from '../../backend-redis/test/support/secrets.ts';
import type { Proxy } from '../../../tools/services/src/proxy/proxy.ts';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { moto } from '../../../tools/services/src/servers/moto.ts';
import { S3Backend } from '../src/index.ts';
import { type HttpProxy, httpProxyTo } from './support/http-proxy.ts';
import { testReplacedBody } from './support/replaced-body.ts';
import {
  accountOf,
  clientOf,
  endpointOf,
  freshUrl,
  openAt,
  proxied,
  stubCredentials,
  textOf,
  throughEndpoint,
  utf8,
} from './support/stores.ts';

const server = inject('s3');
const account = accountOf('url' in server ? server.url : '');
const endpoint = endpointOf(account.url) ?? '';
/** The proxies of these tests speak no TLS to the service. */
const NO_SERVER = !endpoint.startsWith('http:');

/** A backend that reaches its service through a proxy. */
async function openProxied(options: Record<string, unknown> = {}): Promise<{ proxy: Proxy; backend: S3Backend }> {
  const proxy = await proxied(freshUrl(account));
  return { proxy, backend: await openAt(account, proxy.url, options) };
}

/** Resolves when a request has come to a proxy. */
async function passed(proxy: HttpProxy, method: string, key: string): Promise<void> {
  const isIt = (request: string): boolean => request.startsWith(`${method} `) && request.includes(`/${key}`);
  await vi.waitUntil(() => proxy.requests.some(isIt), { timeout: 60_000 });
}

describe.skipIf(NO_SERVER)('a connection that breaks', () => {
  test('leaves a write unknown whose answer was lost, and is made again', async () => {
    const { proxy, backend } = await openProxied();
    await backend.write('o/a', utf8('1'));
    proxy.loseAnswer();
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      outcome: 'unknown',
      key: 'o/a',
    });
    expect(await textOf(backend, 'o/a')).toBe('2');
    for (const read of [async () => backend.read('o/a'), async () => backend.list('')]) {
      proxy.loseAnswer();
      const failure = await read().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      expect(failure).not.toHaveProperty('outcome');
    }
  });

  test('while none can be made, nothing is sent, so every outcome is known', async () => {
    const { proxy, backend } = await openProxied();
    await proxy.close();
    const failure = await backend.write('o/a', utf8('2')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(failure).not.toHaveProperty('outcome');
  });

  test('a service that falls silent is given up after the timeout', async () => {
    const proxy = await httpProxyTo(endpoint);
    const url = throughEndpoint(freshUrl(account), proxy.endpoint);
    const backend = await impatient((timeout) => openAt(account, url, { timeout }));
    proxy.holdAnswers();
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    const failure = await backend.read('o/a').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'TIMEOUT', retryable: true, key: 'o/a' });
    expect(failure).not.toHaveProperty('outcome');
  });

  test('an abort does not wait for the answer, and says what is not known', async () => {
    const proxy = await httpProxyTo(endpoint);
    const backend = await openAt(account, throughEndpoint(freshUrl(account), proxy.endpoint), { poolSize: 2 });
    proxy.holdAnswers();
    const controller = new AbortController();
    const { signal } = controller;
    const settled = Promise.allSettled([
      backend.write('o/a', utf8('2'), { signal }),
      backend.read('o/a', { signal }),
      // There is no place for it before the others end.
      backend.write('o/b', utf8('2'), { signal }),
    ]);
    await passed(proxy, 'PUT', 'o/a');
    controller.abort(new Error('enough'));
    const [write, read, waiting] = await settled;
    expect(write).toMatchObject({ reason: { code: 'ABORTED', outcome: 'unknown', cause: { message: 'enough' } } });
    for (const known of [read, waiting]) {
      expect(known).toMatchObject({ reason: { code: 'ABORTED', cause: { message: 'enough' } } });
      expect((known as PromiseRejectedResult).reason).not.toHaveProperty('outcome');
    }
  });

  test('a read that lost a race with a write, as Ceph says it, is sent once more', async () => {
    let losing = 0;
    const proxy = await httpProxyTo(endpoint, {
      async refuse() {
        if (losing === 0) return false;
        losing--;
        return true;
      },
      refusal: {
        status: 500,
        headers: { 'content-type': 'application/xml' },
        body: '<?xml version="1.0"?><Error><Code>UnknownError</Code></Error>',
      },
    });
    const backend = await openAt(account, throughEndpoint(freshUrl(account), proxy.endpoint));
    await backend.write('o/a', utf8('12345'));
    losing = 1;
    expect(await textOf(backend, 'o/a')).toBe('12345');
    expect(losing).toBe(0);
    losing = 3;
    const failure = await backend.read('o/a', { start: 1, end: 3 }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true, key: 'o/a' });
    expect(losing).toBe(1);
  });

  test('a client of the caller that would send a write again does not', async () => {
    const proxy = await proxied(freshUrl(account));
    const url = proxy.url;
    const backend = new S3Backend();
    await backend.init({ url, options: {}, client: clientOf({ ...account, url }) });
    await backend.write('o/first', utf8('1'), { ifAbsent: true });
    proxy.loseAnswer();
    // Sent again it would find itself in the way, and say CONFLICT of a write that took place.
    await expect(backend.write('o/a', utf8('1'), { ifAbsent: true })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      outcome: 'unknown',
    });
    proxy.loseAnswer();
    expect(await textOf(backend, 'o/a')).toBe('1');
  });
});

test.skipIf(NO_SERVER)('what is under way when the backend is closed ends with it', async () => {
  const proxy = await httpProxyTo(endpoint);
  const url = throughEndpoint(freshUrl(account), proxy.endpoint);
  const backend = await openAt(account, url, { poolSize: 1 });
  proxy.holdAnswers();
  const settled = Promise.allSettled([backend.write('o/a', utf8('1')), backend.write('o/b', utf8('1'))]);
  await passed(proxy, 'PUT', 'o/a');
  await backend.close();
  const [sent, waiting] = await settled;
  expect(sent).toMatchObject({ reason: { code: 'UNAVAILABLE', retryable: false, outcome: 'unknown', key: 'o/a' } });
  expect(waiting).toMatchObject({ reason: { code: 'UNAVAILABLE', retryable: false, key: 'o/b' } });
  expect((waiting as PromiseRejectedResult).reason).not.toHaveProperty('outcome');
  expect(proxy.requests.filter((request) => request.includes('/o/b'))).toEqual([]);
});

describe.skipIf(NO_SERVER)('a body that ends halfway', () => {
  const body = randomBytes(300_000);

  test('is UNAVAILABLE, and never a shorter one', async () => {
    const url = freshUrl(account);
    await (await openAt(account, url)).write('o/a', body);
    const proxy = await httpProxyTo(endpoint, { halfway: 'cut' });
    const backend = await openAt(account, throughEndpoint(url, proxy.endpoint));
    for (const range of [{}, { start: 10, end: 200_000 }]) {
      await expect(backend.read('o/a', range)).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    }
    // What breaks off here says that there is no such key, or no such bucket.
    await expect(backend.read('o/absent')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  });

  test('is given up at an abort and at the timeout', async () => {
    const url = freshUrl(account);
    await (await openAt(account, url)).write('o/a', body);
    const proxy = await httpProxyTo(endpoint, { halfway: 'stall' });
    const way = throughEndpoint(url, proxy.endpoint);
    const backend = await impatient((timeout) => openAt(account, way, { timeout }), 1000);
    const signal = AbortSignal.timeout(300);
    await expect(backend.read('o/a', { signal })).rejects.toMatchObject({ code: 'ABORTED', key: 'o/a' });
    await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'TIMEOUT', key: 'o/a' });
  });
});

describe.skipIf(NO_SERVER)('a range', () => {
  testReplacedBody({
    endpoint,
    place: () => {
      const url = freshUrl(account);
      return async (at) => openAt(account, throughEndpoint(url, at));
    },
  });
});

describe.skipIf(NO_SERVER)('credentials', () => {
  test('are found where the SDK looks, and missing ones are UNAUTHENTICATED', async () => {
    const url = freshUrl(account);
    const nobody = { url, credentials: undefined };
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined);
    const folder = mkdtempSync(join(tmpdir(), 'securestore-s3-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
    vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(openAt(nobody, url)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', operation: 'init' });
    stubCredentials(account);
    await (await openAt(nobody, url)).write('o/a', utf8('x'));
  });

  test('are never shown, whatever fails', async () => {
    const secrets = ['canary-7731', 'payload-7731'];
    const options = {
      accessKeyId: 'canary-7731-id',
      secretAccessKey: 'canary-7731',
      sessionToken: 'canary-7731-token',
    };
    const at = async (other: string): Promise<S3Backend> =>
      openAt({ url: '', credentials: undefined }, throughEndpoint(account.url, other), options);
    const failures = [
      at('http://127.0.0.1:1'),
      at('http://no-such-host.invalid'),
      at(endpoint.replace('http:', 'https:')),
      openAt(account, account.url.replace('s3://', 's3://no-such-'), options),
    ];
    const codes = ['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE', 'INVALID_ARGUMENT'];
    for (const [index, failure] of (await Promise.allSettled(failures)).entries()) {
      expect(failure).toMatchObject({ status: 'rejected', reason: { code: codes[index], operation: 'init' } });
      expectNoSecret(failure, secrets);
    }
    const { proxy, backend } = await openProxied(options);
    proxy.loseAnswer();
    const lost = await backend.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: 'UNAVAILABLE' });
    expectNoSecret(lost, secrets);
  });

  test('go only to a service whose certificate is trusted', async (context) => {
    if (NO_OPENSSL !== undefined) context.skip(NO_OPENSSL);
    const folder = mkdtempSync(join(tmpdir(), 'securestore-s3-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { key, pem } = selfSigned(folder, statSync(folder));
    const proxy = await httpProxyTo(endpoint, { tls: { key: readFileSync(key), cert: pem } });
    const url = throughEndpoint(freshUrl(account), proxy.endpoint);
    const refused = await openAt(account, url).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', retryable: false, operation: 'init' });
    expect(String(refused)).toMatch(/not trusted/);
    expect(proxy.requests).toEqual([]);
    const backend = await openAt(account, url, { ca: pem });
    await backend.write('o/a', utf8('x'));
    expect(await textOf(backend, 'o/a')).toBe('x');
  });
});

test('a service that was away is used again when it is back', async (context) => {
  if ('skip' in server) context.skip(server.skip);
  else if (!server.own) context.skip(`${moto.variable} is set, and its server is not ours to kill`);
  const own = await startServer(moto);
  onTestFinished(async () => own.stop());
  const place = accountOf(own.url);
  const backend = await openAt(place, freshUrl(place));
  await backend.write('o/a', utf8('1'));
  await own.kill();
  await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
  await own.restart();
  await backend.write('o/b', utf8('3'), { ifAbsent: true });
  expect(await textOf(backend, 'o/b')).toBe('3');
});
