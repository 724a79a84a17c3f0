import { once } from 'node:events';
import { connect } from 'node:net';
import { encodeMessage } from '@securestore/protocol';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { serve } from '../../src/index.ts';
import type { World } from '../support/world.ts';
import { codeIn, EVERYTHING, world } from '../support/world.ts';

const OCTETS = { 'content-type': 'application/octet-stream' };
const FRAMES = { 'content-type': 'application/vnd.securestore.object' };
const JSON_BODY = { 'content-type': 'application/json' };

describe('bodies', () => {
  // T-SERVER-06
  it('that are larger than they may be are TOO_LARGE, said or not', async () => {
    const here = await world({ limits: { jsonBytes: 1000, objectBytes: 1000 } });
    const token = await here.somebody('ann', EVERYTHING);
    await here.store.store('k', 'before');
    const large = 'x'.repeat(1001);
    const put = (headers: Record<string, string>, body: string | Uint8Array) =>
      here.send('PUT', '/v1/objects/k', { token, headers, body });
    expect(codeIn(await put(OCTETS, large))).toBe('TOO_LARGE');
    expect(codeIn(await put({ ...OCTETS, 'transfer-encoding': 'chunked' }, large))).toBe('TOO_LARGE');
    expect(codeIn(await put(FRAMES, encodeMessage({}, Buffer.from(large))))).toBe('TOO_LARGE');
    const metadata = JSON.stringify({ metadata: { a: large } });
    expect(codeIn(await here.send('PUT', '/v1/metadata/k', { token, headers: JSON_BODY, body: metadata }))).toBe(
      'TOO_LARGE',
    );
    expect((await here.store.retrieve('k')).text()).toBe('before');
    expect((await put(OCTETS, 'x'.repeat(1000))).status).toBe(200);
  });

  it('that are malformed are refused without quoting them', async () => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    await here.store.store('k', 'before');
    const message = encodeMessage({ metadata: {} }, Buffer.from('data'));
    const frames: readonly Uint8Array[] = [
      Buffer.alloc(0),
      Buffer.from('s3cr3t'),
      message.subarray(0, 3),
      message.subarray(0, -1),
      message.subarray(0, -6),
      Buffer.concat([message, Buffer.from('s3cr3t')]),
      Buffer.concat([message, message]),
      encodeMessage({ metadata: 's3cr3t' }, Buffer.from('x')),
      encodeMessage({ metadata: ['s3cr3t'] }, Buffer.from('x')),
      encodeMessage({ expires: 's3cr3t' }, Buffer.from('x')),
      encodeMessage({ more: 's3cr3t' }, Buffer.from('x')),
      Buffer.from('48ffffffff', 'hex'),
      Buffer.from('4800000002', 'hex'),
      Buffer.concat([Buffer.from('4800000006', 'hex'), Buffer.from('s3cr3t')]),
      Buffer.concat([Buffer.from('4800000001', 'hex'), Buffer.from([0xff])]),
    ];
    for (const body of frames) {
      const answer = await here.send('PUT', '/v1/objects/k', { token, headers: FRAMES, body });
      expect(codeIn(answer), Buffer.from(body).toString('latin1')).toBe('INVALID_ARGUMENT');
      expect(answer.body.toString()).not.toContain('s3cr3t');
    }
    for (const body of [
      '{"metadata":s3cr3t}',
      '{"metadata":{}',
      '',
      '[]',
      '{"metadata":{},"more":"s3cr3t"}',
      '{"metadata":{},"s3cr3t!":1}',
      Buffer.from([0xff, 0xfe]),
    ]) {
      const answer = await here.send('PUT', '/v1/metadata/k', { token, headers: JSON_BODY, body });
      expect(codeIn(answer)).toBe('INVALID_ARGUMENT');
      expect(answer.body.toString()).not.toContain('s3cr3t');
    }
    const header = { ...OCTETS, 'securestore-metadata': '{s3cr3t' };
    const answer = await here.send('PUT', '/v1/objects/k', { token, headers: header, body: 'x' });
    expect(codeIn(answer)).toBe('INVALID_ARGUMENT');
    expect(answer.body.toString()).not.toContain('s3cr3t');
    expect(JSON.stringify(here.logged)).not.toContain('s3cr3t');
    expect((await here.store.retrieve('k')).text()).toBe('before');
  });

  it('in frames are that, however their type is written', async () => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    const body = encodeMessage({ metadata: { a: 1 } }, Buffer.from('data'));
    for (const type of ['application/vnd.securestore.object; v=1', 'Application/vnd.Securestore.object']) {
      await here.send('PUT', '/v1/objects/k', { token, headers: { 'content-type': type }, body });
      expect((await here.store.retrieve('k')).text()).toBe('data');
    }
  });

  it('that end in the middle store nothing', async () => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    const begin = `PUT /v1/objects/k HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/octet-stream\r\n`;
    await here.raw(`${begin}Content-Length: 100000\r\n\r\nonly this`);
    await here.raw(`${begin}Transfer-Encoding: chunked\r\n\r\n5\r\nonly \r\n`);
    await here.raw(`${begin}Content-Length: 400000\r\n\r\n${'x'.repeat(300_000)}`);
    await here.raw(`${begin}Content-Length: 100\r\n\r\nonly this`);
    // Whatever is under way ends with the server.
    await here.server.close();
    expect(await here.store.has('k')).toBe(false);
    // Whoever goes away is no defect of the server.
    expect(here.logged.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('that come in pieces are stored as they are', async () => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    const data = 'a text of some length';
    const socket = connect({ port: here.port, host: '127.0.0.1', noDelay: true });
    const fields = `Host: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/octet-stream`;
    socket.write(`PUT /v1/objects/k HTTP/1.1\r\n${fields}\r\nContent-Length: ${data.length}\r\n\r\n`);
    for (const piece of data) {
      await new Promise(setImmediate);
      socket.write(piece);
    }
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    expect((await here.store.retrieve('k')).text()).toBe(data);
  });
});

describe('headers', () => {
  it('that are longer than they may be are refused before anything else', async () => {
    const here = await world({ limits: { headerBytes: 4096 } });
    const token = await here.somebody('ann', EVERYTHING);
    expect(await here.raw(`GET /v1/store HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(5000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect(await here.raw(`GET /${'y'.repeat(5000)} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 (431|414) /);
    expect((await here.send('GET', '/v1/store', { token })).status).toBe(200);
  });

  it('of a page in a browser are refused', async () => {
    const here = await world();
    const token = await here.somebody('ann', EVERYTHING);
    const answer = await here.send('GET', '/v1/store', { token, headers: { origin: 'https://elsewhere.example' } });
    expect(codeIn(answer)).toBe('ACCESS_DENIED');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('callers', () => {
  it('have so many requests a second, each their own', async () => {
    const clock = new FakeClock();
    const here = await world({ clock, limits: { ratePerCaller: 2 } }, { clock });
    const ann = await here.somebody('ann', EVERYTHING);
    const ben = await here.somebody('ben', EVERYTHING);
    const statuses = async (token: string, count: number): Promise<number[]> => {
      const all: number[] = [];
      for (let n = 0; n < count; n++) all.push((await here.send('GET', '/v1/store', { token })).status);
      return all;
    };
    expect(await statuses(ann, 5)).toEqual([200, 200, 200, 200, 429]);
    expect(await statuses(ben, 1)).toEqual([200]);
    clock.advance(1000);
    expect(await statuses(ann, 3)).toEqual([200, 200, 429]);
    const refused = await here.send('GET', '/v1/store', { token: ann });
    expect([codeIn(refused), refused.headers['retry-after']]).toEqual(['THROTTLED', '1']);
  });

  // T-SERVER-06
  it('have so many requests at once', async () => {
    const here = await world({ limits: { concurrencyPerCaller: 2 } });
    const ann = await here.somebody('ann', EVERYTHING);
    const ben = await here.somebody('ben', EVERYTHING);
    const { request } = await import('node:http');
    const open = (token: string) => {
      const headers = { authorization: `Bearer ${token}`, ...OCTETS, 'transfer-encoding': 'chunked' };
      const asked = request({ host: '127.0.0.1', port: here.port, method: 'PUT', path: '/v1/objects/k', headers });
      const answered = new Promise<number>((resolve) =>
        asked.on('response', (answer) => resolve(answer.statusCode ?? 0)),
      );
      asked.write('x');
      return { asked, answered };
    };
    const first = [open(ann), open(ann)];
    // The third is refused as soon as the first two are there.
    let refused = 200;
    while (refused === 200) refused = (await here.send('GET', '/v1/store', { token: ann })).status;
    expect(refused).toBe(429);
    expect((await here.send('GET', '/v1/store', { token: ben })).status).toBe(200);
    for (const { asked } of first) asked.end();
    expect(await Promise.all(first.map(({ answered }) => answered))).toEqual([200, 200]);
    let again = 429;
    while (again === 429) again = (await here.send('GET', '/v1/store', { token: ann })).status;
    expect(again).toBe(200);
  });

  it('who guess are put off, and the others on their address with them', async () => {
    const clock = new FakeClock();
    const here = await world({ clock, limits: { failuresPerAddress: 1 } }, { clock });
    const token = await here.somebody('ann', EVERYTHING);
    for (let n = 0; n < 10; n++) expect((await here.send('GET', '/v1/store', { token: `guess${n}` })).status).toBe(401);
    expect((await here.send('GET', '/v1/store', { token })).status).toBe(429);
    expect((await here.send('GET', '/healthz')).status).toBe(200);
    clock.advance(2000);
    expect((await here.send('GET', '/v1/store', { token })).status).toBe(200);
  });

  it('who have proved who they are are not put off by others who guess on their address', async () => {
    const clock = new FakeClock();
    const here = await world({ clock, limits: { failuresPerAddress: 1 } }, { clock });
    const token = await here.somebody('ann', EVERYTHING);
    expect((await here.send('GET', '/v1/store', { token })).status).toBe(200);
    for (let n = 0; n < 10; n++) await here.send('GET', '/v1/store', { token: `guess${n}` });
    expect((await here.send('GET', '/v1/store', { token: 'guess' })).status).toBe(429);
    expect((await here.send('GET', '/v1/store', { token })).status).toBe(200);
  });
});

/** What the metrics say of connections that were ended before there was a request. */
async function refusals({ send }: World, token: string): Promise<Record<string, number>> {
  const text = (await send('GET', '/metrics', { token })).body.toString();
  const found = [...text.matchAll(/^securestore_server_refused_total\{reason="(\w+)"\} (\d+)$/gm)];
  return Object.fromEntries(found.map(([, reason = '', count]) => [reason, Number(count)]));
}

describe('connections', () => {
  // T-SERVER-06
  it('of one address are so many at once, and more are ended', async () => {
    const here = await world({ limits: { connectionsPerAddress: 2 } });
    const token = await here.somebody('ann', EVERYTHING);
    const held = connect(here.port, '127.0.0.1');
    await once(held, 'connect');
    // Another address of this machine has its own.
    const other = connect({ port: here.port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    await once(other, 'connect');
    expect((await here.send('GET', '/v1/store', { token })).status).toBe(200);
    const second = connect(here.port, '127.0.0.1');
    await once(second, 'connect');
    expect(await here.raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
    held.destroy();
    let answer = '';
    while (answer === '') answer = await here.raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    for (const socket of [second, other]) socket.destroy();
    let told: Record<string, number> = {};
    while (told['address'] === undefined) told = await refusals(here, token).catch(() => ({}));
    expect(told['address']).toBeGreaterThan(0);
  });

  it('are not counted by address behind a proxy', async () => {
    const here = await world({ behindProxy: true, limits: { connectionsPerAddress: 1 } });
    const token = await here.somebody('ann', EVERYTHING);
    const held = connect(here.port, '127.0.0.1');
    await once(held, 'connect');
    expect((await here.send('GET', '/v1/store', { token })).status).toBe(200);
    held.destroy();
  });

  it('on which no request comes are counted, by what came in its place', async () => {
    const here = await world({ limits: { headerBytes: 4096 } });
    const token = await here.somebody('ann', EVERYTHING);
    const none = { address: 0, connections: 0, headers: 0, malformed: 0, timeout: 0, tls: 0 };
    expect(await refusals(here, token)).toEqual(none);
    await here.raw('nonsense\r\n\r\n');
    await here.raw('GET / HTTP/1.1\r\nno header\r\n\r\n');
    await here.raw(`GET /v1/store HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(5000)}\r\n\r\n`);
    expect(await refusals(here, token)).toEqual({ ...none, malformed: 2, headers: 1 });
  });

  it('beyond what the server takes are counted', async () => {
    const here = await world({ limits: { connections: 1 } });
    const token = await here.somebody('ann', EVERYTHING);
    const held = connect(here.port, '127.0.0.1');
    await once(held, 'connect');
    expect(await here.raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).toBe('');
    held.destroy();
    let told: Record<string, number> = {};
    while (told['connections'] === undefined) told = await refusals(here, token).catch(() => ({}));
    expect(told['connections']).toBeGreaterThan(0);
  });
});

describe('a connection on which nothing comes', () => {
  it('is ended when its time is up', async () => {
    const here = await world({ limits: { headersTimeout: 300 } });
    const begun = performance.now();
    const socket = connect(here.port, '127.0.0.1');
    socket.write('GET /healthz HTTP/1.1\r\n');
    socket.resume();
    await once(socket, 'close');
    // By default it would be ten seconds.
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(await refusals(here, await here.somebody('ann', EVERYTHING))).toMatchObject({ timeout: 1 });
  });
});

describe('an address', () => {
  it.each(['0.0.0.0', '::', '192.0.2.7', 'vault.example.com', '127.0.0.1.example.com'])(
    '%s is not listened on without TLS',
    async (host) => {
      const here = await world();
      await expect(serve(here.store, { host, port: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );

  it('that is taken is UNAVAILABLE', async () => {
    const here = await world();
    await expect(serve(here.store, { port: here.port })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it.each([
    { limits: { nonsense: 1 } },
    { limits: { concurrency: -1 } },
    { limits: { concurrency: '7' } },
    { port: 1.5 },
    { port: 65_536 },
  ])('with %j is refused', async (options) => {
    const here = await world();
    await expect(serve(here.store, options as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});
