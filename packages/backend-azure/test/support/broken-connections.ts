import { type ClientRequest, type IncomingMessage, type ServerResponse, createServer, request } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { StorageBackend } from '@securestore/backend-api';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Proxy } from '../../../../tools/services/src/proxy/proxy.ts';
import { impatient } from '../../../backend-redis/test/support/impatient.ts';
import { tornAfter } from './torn.ts';

/** The ways to a service that is spoken to by HTTP. */
export interface Ways {
  /** What the service is called. */
  readonly service: string;
  /** The store URL of the service, and what its endpoint has for a path. */
  readonly url: string;
  readonly pathOfEndpoint: string;
  readonly openAt: (url: string, options?: Record<string, unknown>) => Promise<StorageBackend>;
  readonly freshUrl: (url?: string) => string;
  readonly endpointOf: (url: string) => string;
  readonly withEndpoint: (url: string, endpoint: string) => string;
  readonly proxied: (url?: string) => Promise<Proxy>;
}

/** Tests what becomes of the calls to a service whose connections break. */
export function testBrokenConnections(ways: Ways): void {
  const { service, url, pathOfEndpoint, openAt, freshUrl, endpointOf, withEndpoint, proxied } = ways;

  test('leaves a write unknown whose answer was lost, and is made again', async () => {
    const proxy = await proxied();
    const backend = await openAt(freshUrl(proxy.url));
    await backend.write('o/a', utf8('1'));
    proxy.loseAnswer();
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      outcome: 'unknown',
      key: 'o/a',
    });
    expect(await textOf(backend, 'o/a')).toBe('2');
    proxy.loseAnswer();
    await expect(backend.delete('o/a')).rejects.toMatchObject({ code: 'UNAVAILABLE', outcome: 'unknown' });
    proxy.loseAnswer();
    const failure = await backend.read('o/a').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(failure).not.toHaveProperty('outcome');
  });

  test('in the middle of a body is an error, and no short body', async () => {
    let bytes = Number.MAX_SAFE_INTEGER;
    const port = await tornAfter(endpointOf(url), () => bytes);
    const endpoint = new URL(endpointOf(url));
    endpoint.host = `127.0.0.1:${port}`;
    const storeUrl = freshUrl(withEndpoint(url, endpoint.href));
    const backend = await openAt(storeUrl);
    await backend.write('o/large', new Uint8Array(2_000_000));
    await backend.close();
    const reader = await openAt(storeUrl);
    await reader.close();
    bytes = 1_000_000;
    // The first answers of the connection are small, and the body comes on it, too.
    const torn = await openAt(storeUrl);
    for (const range of [{}, { start: 1 }]) {
      const failure = await torn.read('o/large', range).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true, key: 'o/large' });
      expect(failure).not.toHaveProperty('outcome');
    }
  });

  test('while none can be made, nothing is sent, so every outcome is known', async () => {
    const proxy = await proxied();
    const other = await openAt(freshUrl(proxy.url));
    await other.write('o/a', utf8('1'));
    await proxy.close();
    // Until the ends of the connections that it held have been heard, which timers alone do not wait for.
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
    for (const call of [
      async () => other.write('o/a', utf8('2')),
      // Nobody listens there, nor comes to while this is tried.
      async () => openAt(withEndpoint(url, `http://127.0.0.1:1${pathOfEndpoint}`)),
    ]) {
      const failure = await call().catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      expect(failure).not.toHaveProperty('outcome');
    }
  });

  test('a server that falls silent is given up after the timeout', async () => {
    const proxy = await proxied();
    const backend = await impatient((timeout) => openAt(freshUrl(proxy.url), { timeout }));
    proxy.holdAnswers();
    await expect(backend.write('o/a', utf8('1'))).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    const read = await backend.read('o/a').catch((error: unknown) => error);
    expect(read).toMatchObject({ code: 'TIMEOUT', retryable: true });
    expect(read).not.toHaveProperty('outcome');
  });

  test('an abort does not wait for the answer, and says what is not known', async () => {
    const proxy = await proxied();
    const backend = await openAt(freshUrl(proxy.url));
    proxy.holdAnswers();
    const controller = new AbortController();
    const { signal } = controller;
    const settled = Promise.allSettled([
      backend.write('o/a', utf8('1'), { signal }),
      backend.read('o/a', { signal }),
      backend.list('', { signal }),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort(new Error('enough'));
    const [write, ...reads] = await settled;
    expect(write).toMatchObject({ reason: { code: 'ABORTED', outcome: 'unknown', cause: { message: 'enough' } } });
    for (const read of reads) {
      expect(read).toMatchObject({ reason: { code: 'ABORTED', cause: { message: 'enough' } } });
      expect((read as PromiseRejectedResult).reason).not.toHaveProperty('outcome');
    }
  });

  test('goes through the proxy that the environment names', async () => {
    let passed = 0;
    const server = createServer((incoming, response) => {
      passed += 1;
      const { origin } = new URL(endpointOf(url));
      incoming.url = incoming.url?.replace(origin, '') ?? '';
      incoming.pipe(ask(endpointOf(url), incoming, response));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const backend = await openAt(freshUrl());
    vi.unstubAllEnvs();
    const before = passed;
    await backend.write('o/a', utf8('x'));
    expect(await textOf(backend, 'o/a')).toBe('x');
    expect(passed - before).toBe(2);
  });

  test('an abort at any moment ends the call and nothing else', async () => {
    const backend = await openAt(freshUrl());
    await backend.write('o/a', new Uint8Array(200_000));
    for (let steps = 0; steps < 60; steps++) {
      const controller = new AbortController();
      const { signal } = controller;
      const settled = Promise.allSettled([
        backend.write('o/a', new Uint8Array(200_000), { signal }),
        backend.read('o/a', { signal }),
      ]);
      // An error that nobody catches fails the whole run.
      for (let step = 0; step < steps; step++) await (steps % 2 === 0 ? undefined : new Promise(setImmediate));
      controller.abort();
      for (const outcome of await settled) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ABORTED' });
      }
    }
    expect((await backend.read('o/a'))?.size).toBe(200_000);
  });

  test(`what does not answer like ${service} is UNAVAILABLE, and a write unknown`, async () => {
    let status: number | undefined;
    // As a proxy in the way does it, once the store is open.
    const backend = await openAt(
      await answered(ways, (response) => {
        if (status === undefined) return false;
        response.writeHead(status, { 'content-type': 'text/html' }).end('<p>Welcome</html>');
        return true;
      }),
    );
    await backend.write('o/a', utf8('x'));
    for (status of [200, 201, 206, 302, 404, 407, 502, 503]) {
      const calls: [() => Promise<unknown>, object][] = [
        [async () => backend.write('o/a', utf8('y')), status >= 400 && status < 500 ? {} : { outcome: 'unknown' }],
        [async () => backend.read('o/a'), {}],
        [async () => backend.read('o/a', { start: 1, end: 2 }), {}],
        [async () => backend.list(''), {}],
      ];
      for (const [call, more] of calls) await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE', ...more });
    }
    status = undefined;
    expect(await textOf(backend, 'o/a')).toBe('x');
  });
}

/** A fresh store URL on a server that `answer`s itself where it wants, and else passes requests on to the service. */
export async function answered(
  { url, freshUrl, endpointOf, withEndpoint }: Ways,
  answer: (response: ServerResponse) => boolean,
): Promise<string> {
  const server = createServer((incoming, response) => {
    if (!answer(response)) incoming.pipe(ask(endpointOf(url), incoming, response));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const endpoint = new URL(endpointOf(url));
  endpoint.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return withEndpoint(freshUrl(), endpoint.href);
}

/** Passes a request on to the service. */
function ask(endpoint: string, incoming: IncomingMessage, response: ServerResponse): ClientRequest {
  const { hostname, port } = new URL(endpoint);
  const { method, url: path, headers } = incoming;
  return request({ hostname, port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(response);
  });
}

async function textOf(backend: StorageBackend, key: string): Promise<string> {
  return Buffer.from((await backend.read(key))?.body ?? []).toString();
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
