import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { World } from './support/world.ts';
import { EVERYTHING, world } from './support/world.ts';

async function scene(): Promise<World & { readonly token: string; readonly inner: string }> {
  const here = await world();
  const token = await here.somebody('ann', EVERYTHING);
  // What somebody on the way has taken for a body.
  const inner = `PUT /v1/objects/smuggled HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/octet-stream\r\nContent-Length: 1\r\n\r\nx`;
  return { ...here, token, inner };
}

const BEGIN = 'PUT /v1/objects/outer HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n';

/** What makes two programs disagree where a request ends: its headers, and what follows them. */
const SHAPES: readonly (readonly [string, (inner: string) => string])[] = [
  ['CL.TE', (inner) => `Content-Length: ${5 + inner.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`],
  [
    'TE.CL',
    (inner) =>
      `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`,
  ],
  ['two lengths', (inner) => `Content-Length: 0\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`],
  ['a list of lengths', (inner) => `Content-Length: 0, ${inner.length}\r\n\r\n${inner}`],
  ['a signed length', (inner) => `Content-Length: +0\r\n\r\n${inner}`],
  ['a negative length', (inner) => `Content-Length: -1\r\n\r\n${inner}`],
  ['a hexadecimal length', (inner) => `Content-Length: 0x0\r\n\r\n${inner}`],
  ['a length with a space in it', (inner) => `Content-Length: 0 0\r\n\r\n${inner}`],
  ['an empty length', (inner) => `Content-Length: \r\n\r\n${inner}`],
  ['a huge length', (inner) => `Content-Length: 18446744073709551616\r\n\r\n${inner}`],
  ['an unknown coding', (inner) => `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${inner}`],
  ['a coding after chunked', (inner) => `Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${inner}`],
  [
    'two codings',
    (inner) => `Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n${inner}`,
  ],
  ['a space before the colon', (inner) => `Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n${inner}`],
  ['a tab before the coding', (inner) => `Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${inner}`],
  ['a folded header', (inner) => `Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n${inner}`],
  ['a folded header of another name', (inner) => `X: a\r\n Content-Length: 0\r\n\r\n${inner}`],
  ['a bare line feed', (inner) => `X: a\nContent-Length: 0\n\n${inner}`],
  ['a bare carriage return', (inner) => `X: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`],
  ['NUL in a header', (inner) => `X: a\0b\r\nContent-Length: 0\r\n\r\n${inner}`],
  ['a chunk size with a sign', (inner) => `Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n${inner}`],
  ['a chunk size in 0x', (inner) => `Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n${inner}`],
  ['a chunk size that overflows', (inner) => `Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n${inner}`],
  ['a chunk without its end', (inner) => `Transfer-Encoding: chunked\r\n\r\n1\r\nab0\r\n\r\n${inner}`],
  ['a chunk that ends by a line feed', (inner) => `Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n${inner}`],
  [
    'a chunk extension with a line feed',
    (inner) => `Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n4c\r\n0\r\n\r\n${inner}`,
  ],
];

describe('a request whose end is in doubt', () => {
  // T-SERVER-02
  it.each(SHAPES)('by %s is refused, and nothing after it is done', async (_what, rest) => {
    const here = await scene();
    const answer = await here.raw(`${BEGIN}Authorization: Bearer ${here.token}\r\n${rest(here.inner)}`);
    expect(await here.store.has('smuggled'), answer).toBe(false);
    // Refused, or left waiting for the rest of what was announced: never two answers.
    expect(answer.match(/HTTP\/1\.1 /g)?.length ?? 0).toBeLessThan(2);
    expect(answer).not.toContain(' 200 ');
    expect(await here.store.has('outer')).toBe(false);
  });

  it('without credentials keeps what follows from being done by others', async () => {
    const here = await scene();
    const answer = await here.raw(`${BEGIN}Content-Length: ${here.inner.length}\r\n\r\n${here.inner}`);
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(await here.store.has('smuggled')).toBe(false);
  });

  it('puts nothing into an answer that is under way', async () => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    await here.store.store('large', Buffer.alloc(30 * 1024 * 1024, 'A'));
    const socket = connect(here.port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => void chunks.push(chunk));
    socket.write(`GET /v1/objects/large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    socket.once('data', () => socket.write('no request\r\n\r\n'));
    await once(socket, 'close');
    expect(Buffer.concat(chunks).includes('HTTP/1.1 400')).toBe(false);
  });

  it('is not taken where it has a body and needs none', async () => {
    const here = await scene();
    for (const method of ['GET', 'DELETE', 'HEAD']) {
      const headers = `Host: x\r\nAuthorization: Bearer ${here.token}\r\n`;
      const answer = await here.raw(
        `${method} /v1/objects/k HTTP/1.1\r\n${headers}Content-Length: ${here.inner.length}\r\n\r\n${here.inner}`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    }
    expect(await here.store.has('smuggled')).toBe(false);
  });

  it('is HTTP/1.0 or HTTP/1.1, as a refusal says', async () => {
    const here = await scene();
    const rest = `Host: x\r\nAuthorization: Bearer ${here.token}\r\nConnection: close\r\n`;
    for (const version of ['1.0', '1.1']) {
      expect(await here.raw(`GET /v1/store HTTP/${version}\r\n${rest}\r\n`), version).toMatch(/^HTTP\/1\.1 200 /);
    }
    const refused = await here.raw(`GET /v1/store HTTP/2.0\r\n${rest}\r\n`);
    expect(refused).toMatch(/^HTTP\/1\.1 400 /);
    expect(refused).toContain('the request must be HTTP/1.0 or HTTP/1.1, got HTTP/2.0');
  });

  it('of another version or form of HTTP is refused', async () => {
    const here = await scene();
    const rest = `Host: x\r\nAuthorization: Bearer ${here.token}\r\n`;
    for (const line of [
      'GET http://elsewhere/v1/store HTTP/1.1',
      'GET * HTTP/1.1',
      'CONNECT secret:22 HTTP/1.1',
      'GET /v1/store HTTP/0.9',
      'GET /v1/store HTTP/2.0',
      'GET /v1/store HTTP/1.1 x',
      'PRI * HTTP/2.0',
      'GET /v1/st ore HTTP/1.1',
      'gEt /v1/store HTTP/1.1',
    ]) {
      expect(await here.raw(`${line}\r\n${rest}\r\n`), line).not.toContain(' 200 ');
    }
    expect(
      await here.raw(`GET /v1/store HTTP/1.1\r\n${rest}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`),
    ).not.toContain(' 101 ');
    expect(await here.raw('\x16\x03\x01\x02\x00\x01\x00')).not.toContain(' 200 ');
  });
});
