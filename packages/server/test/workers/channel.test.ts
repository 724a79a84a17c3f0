import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { IncomingMessage, request } from 'node:http';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answeredHeaders, forwardedHeaders, takePeer } from '../../src/workers/forward-headers.ts';
import { PATIENCE, workerWorld } from '../support/worker-world.ts';
import { sendTo } from '../support/world.ts';

const KEY = 'k'.repeat(43);

/** A request as Node gives it. */
function received(rawHeaders: readonly string[], method = 'PUT'): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  message.method = method;
  message.rawHeaders.push(...rawHeaders);
  for (let at = 0; at < rawHeaders.length; at += 2) {
    message.headers[rawHeaders[at]?.toLowerCase() ?? ''] = rawHeaders[at + 1];
  }
  return message;
}

describe('the channel of workers', () => {
  // T-SERVER-07
  it(
    'answers no request without the key of a worker',
    async () => {
      const temp = mkdtempSync(join(tmpdir(), 'ss-channel-'));
      onTestFinished(() => rmSync(temp, { recursive: true, force: true }));
      const { TMPDIR } = process.env;
      process.env['TMPDIR'] = temp;
      onTestFinished(() => {
        if (TMPDIR === undefined) delete process.env['TMPDIR'];
        else process.env['TMPDIR'] = TMPDIR;
      });
      const { token, port } = await workerWorld();
      const folders = readdirSync(temp).filter((name) => readdirSync(join(temp, name)).includes('server.sock'));
      expect(folders).toHaveLength(1);
      const folder = join(temp, folders[0] ?? '');
      // Only the user of the server may enter it.
      if (process.platform !== 'win32') expect(statSync(folder).mode & 0o777).toBe(0o700);
      const ask = (headers: Record<string, string>): Promise<number | string> =>
        new Promise((resolve) => {
          const socketPath = join(folder, 'server.sock');
          const asked = request({ socketPath, path: '/v1/store', headers, agent: false }, (answer) => {
            answer.resume();
            resolve(answer.statusCode ?? 0);
          });
          asked.on('error', ({ message }) => resolve(message));
          asked.end();
        });
      const authorization = `Bearer ${token}`;
      const peer = Buffer.from(JSON.stringify({ address: '127.0.0.1' })).toString('base64url');
      for (const headers of [
        {},
        { authorization },
        { authorization, 'securestore-worker-peer': peer },
        { authorization, 'securestore-worker-peer': peer, 'securestore-worker-key': KEY },
        { authorization, 'securestore-worker-peer': peer, 'securestore-worker-key': '' },
      ]) {
        expect(await ask(headers)).toBe('socket hang up');
      }
      expect((await sendTo(port, 'GET', '/v1/store', { token })).status).toBe(200);
    },
    2 * PATIENCE,
  );

  it('passes on what the client sent, and nothing that is about its connection', () => {
    const sent = ['Authorization', 'Bearer a', 'authorization', 'Bearer b', 'X-Own', 'ä', 'Content-Length', '5'];
    const hop = [
      'Connection',
      'close',
      'Keep-Alive',
      '1',
      'TE',
      'trailers',
      'Upgrade',
      'h2c',
      'Expect',
      '100-continue',
    ];
    const forged = ['Securestore-Worker-Key', KEY, 'securestore-worker-peer', 'e30'];
    const headers = forwardedHeaders(received([...sent, ...hop, ...forged]), KEY, '192.0.2.7');
    // Headers that are there twice stay so: who reads them has to refuse them.
    expect(headers.slice(0, sent.length)).toEqual(sent);
    expect(headers.slice(sent.length).filter((_one, at) => at % 2 === 0)).toEqual([
      'securestore-worker-key',
      'securestore-worker-peer',
    ]);
    const forwarded = received(headers);
    expect(takePeer(forwarded, KEY)).toEqual({ address: '192.0.2.7', certificate: undefined });
    expect(forwarded.rawHeaders).toEqual(sent);
    expect(Object.keys(forwarded.headers).filter((name) => name.includes('worker'))).toEqual([]);
    expect(takePeer(received(headers), KEY.replace('k', 'x'))).toBeUndefined();
  });

  it.each([
    ['PUT', ['Transfer-Encoding', 'chunked'], ['transfer-encoding', 'chunked']],
    ['DELETE', ['Transfer-Encoding', 'chunked'], ['transfer-encoding', 'chunked']],
    ['POST', [], ['content-length', '0']],
    ['GET', [], []],
  ])('tells the end of the body of %s %j as the client has', (method, sent, framing) => {
    const headers = forwardedHeaders(received(sent, method), KEY, '');
    expect(headers.slice(0, -4)).toEqual(framing);
  });

  it('passes on each cookie of an answer', () => {
    const answer = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Connection', 'keep-alive', 'Date', 'now'];
    expect(answeredHeaders(received(answer))).toEqual(['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Date', 'now']);
  });
});
