import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeMessage, PROBLEM_TYPE } from '@securestore/protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openRemoteStore } from '../src/index.ts';
import type { RemoteStore } from '../src/index.ts';

const MIB = 1024 * 1024;
const ABOUT = { fingerprint: 'f', principal: 'ann' };

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Where something answers that is no server of ours. */
async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A store at something that says it is one, and answers everything else like that. */
async function opened(listener: RequestListener): Promise<RemoteStore> {
  const url = await answering((request, response) => {
    if (request.url === '/v1/store') json(response, 200, ABOUT);
    else listener(request, response);
  });
  const store = await openRemoteStore(url, { credentials: { token: 't' } });
  onTestFinished(() => store.close());
  return store;
}

/** Sends one text without end, and tells how much was taken. */
async function endless(response: ServerResponse, taken: (bytes: number) => void): Promise<void> {
  const chunk = Buffer.alloc(MIB, 'x');
  const closed = once(response, 'close');
  for (let sent = 0; sent < 400 * MIB && !response.destroyed; sent += MIB) {
    taken(sent);
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), closed]);
  }
  response.end('"');
}

describe('a connection that ends without an answer', () => {
  it('may be to a server with TLS, unless the server has answered before', async () => {
    const url = await answering((request) => request.socket.destroy());
    await expect(openRemoteStore(url, { credentials: { token: 't' } })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      advice: [{ id: 'give-store-url', form: 'https:…' }],
    });
    const store = await opened((request) => request.socket.destroy());
    const ended: unknown = await store.info('k').catch((error: unknown) => error);
    expect(ended).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('has ended the connection') });
    expect(ended).not.toMatchObject({ advice: [{ id: 'give-store-url' }] });
  });
});

describe('an answer', () => {
  // T-CLIENT-02
  it('without end is not gathered in memory', async () => {
    let most = 0;
    const store = await opened((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('"');
      void endless(response, (bytes) => (most = bytes));
    });
    await expect(store.info('k')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(most).toBeLessThan(200 * MIB);
  });

  it.each([
    [{}],
    [{ info: null }],
    [{ info: { size: 'x' } }],
    [{ info: { size: -1 } }],
    [{ info: { size: [1, 2, 3, 4] } }],
    [null],
  ])('that tells nothing of the object that comes is UNAVAILABLE: %j', async (head) => {
    const store = await opened((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/vnd.securestore.object' });
      response.end(encodeMessage(head as object, Buffer.from('data')));
    });
    await expect(store.retrieve('k')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

// T-CLIENT-02
it.each(['constructor', '__proto__', 'toString', 'NO_SUCH_CODE'])(
  'an error with the code %s is INTERNAL',
  async (code) => {
    const store = await opened((_request, response) => {
      response.writeHead(400, { 'content-type': PROBLEM_TYPE }).end(JSON.stringify({ code, detail: 'm' }));
    });
    await expect(store.info('k')).rejects.toMatchObject({ code: 'INTERNAL' });
  },
);

// T-CLIENT-01
it('a redirection is not followed, and nobody else gets the token', async () => {
  const asked: unknown[] = [];
  const elsewhere = await answering(({ headers }, response) => {
    asked.push(headers.authorization);
    json(response, 200, {});
  });
  const store = await opened((_request, response) => {
    response.writeHead(307, { url: `${elsewhere}/v1/info/k` }).end();
  });
  await expect(store.info('k')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(asked).toEqual([]);
});
