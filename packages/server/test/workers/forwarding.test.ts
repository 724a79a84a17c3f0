import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { serve } from '../../src/index.ts';
import { rawSend } from '../support/world.ts';
import { sharedWorld } from '../support/worker-world.ts';

const world = sharedWorld();

it('reads forwarded requests as they were sent: with no body, in chunks, and with headers of its own channel', async () => {
  const { server, token } = world();
  const { port } = new URL(server.url);
  const ask = (method: string, path: string, headers: Record<string, string>, body = ''): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = { authorization: `Bearer ${token}`, ...headers };
      const asked = request({ port, method, path, headers: sent, agent: false }, (answer) => {
        answer.resume().on('end', () => resolve(answer.statusCode ?? 0));
      });
      asked.on('error', reject);
      asked.end(body);
    });
  expect(await ask('POST', '/v1/encryption-keys/destroy-due', { 'content-length': '0' })).toBe(200);
  expect(
    await ask(
      'POST',
      '/v1/encryption-keys/destroy-due',
      { 'content-length': '2', 'content-type': 'application/json' },
      '{}',
    ),
  ).toBe(400);
  const json = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
  expect(await ask('POST', '/v1/verify', json, '{"payloads":true}')).toBe(200);
  expect(await ask('GET', '/v1/no-such-path', {})).toBe(404);
  // What a client says of itself in the headers of the channel counts for nothing.
  const forged = { 'securestore-worker-key': 'x', 'securestore-worker-peer': 'e30' };
  expect(await ask('GET', '/v1/store', forged)).toBe(200);
  expect(await ask('GET', '/v1/store', { ...forged, authorization: 'Bearer wrong' })).toBe(401);
});

it('forwards a request with as many headers as Node takes, and its body as that', async () => {
  const { server, token } = world();
  const body = '{"payloads":true}';
  // With the five others Node takes 1,000. The worker adds two.
  const many = 'a:\r\n'.repeat(995);
  const head = `POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n`;
  const last = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  const answer = await rawSend(Number(new URL(server.url).port), head + many + last + body);
  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});

it.each(['0.9', '1.0', '1.1', '2.0'])('answers HTTP/%s as a server without workers does', async (version) => {
  const alone = await serve(world().store, { port: 0, console: false, resumeJobs: false });
  onTestFinished(() => alone.close());
  const ask = async (port: number, head: string): Promise<string> => {
    const answer = await rawSend(port, `GET /healthz HTTP/${version}\r\n${head}Connection: close\r\n\r\n`);
    return answer.replace(/^(?:date|x-request-id):.*\r\n/gim, '').replace(/"requestId":"[^"]*"/, '');
  };
  // Load balancers ask for the health of a server by HTTP/1.0 without a host.
  for (const head of ['', 'Host: localhost\r\n']) {
    const expected = await ask(Number(new URL(alone.url).port), head);
    expect(expected).toMatch(/^HTTP\/1\.1 (?:200|400) /);
    expect(await ask(world().port, head)).toBe(expected);
  }
});

it('reads the rest of a body whose request was answered before, and the connection continues', async () => {
  const socket = connect(world().port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let answers = '';
  const ended = new Promise<string>((resolve) => {
    socket.on('data', (chunk) => (answers += chunk.toString('latin1')));
    socket.on('error', ({ message }) => resolve(message)).on('end', () => resolve('end'));
  });
  const body = Buffer.alloc(20_000_000);
  const head = 'POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer wrong\r\n';
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.write(body);
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  expect(await ended).toBe('end');
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 401', 'HTTP/1.1 200']);
});
