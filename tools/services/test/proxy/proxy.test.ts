import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { seededRandom } from '../../../../packages/backend-testkit/src/support/random.ts';
import { type Proxy, proxyTo } from '../../src/proxy/proxy.ts';

const LARGE = Buffer.alloc(200_000, 'what was sent');

/** A proxy in front of a server that sends everything back, and what the server got. */
async function proxied(seed = 1): Promise<{ proxy: Proxy; got: Buffer[]; dial: () => Socket }> {
  const got: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined).on('data', (chunk: Buffer) => got.push(chunk));
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await proxyTo(`x://127.0.0.1:${(server.address() as AddressInfo).port}`, seededRandom(seed));
  onTestFinished(async () => {
    await proxy.close();
    server.close();
  });
  const dial = (): Socket =>
    connect({ port: Number(new URL(proxy.url).port), host: '127.0.0.1', allowHalfOpen: true }).on(
      'error',
      () => undefined,
    );
  return { proxy, got, dial };
}

/** Sends some bytes, and says no more; resolves to all that comes back, and to the part of it where the way breaks. */
async function exchange(socket: Socket, bytes: Buffer | string): Promise<Buffer> {
  const came: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => came.push(chunk));
  socket.end(bytes);
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(came);
}

/** Resolves once the server got `count` bytes. */
async function arrived(got: readonly Buffer[], count: number): Promise<void> {
  while (Buffer.concat(got).byteLength < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

test('without a fault, and through one that only takes time, everything comes through in good order', async () => {
  const { proxy, dial } = await proxied();
  expect((await exchange(dial(), LARGE)).equals(LARGE)).toBe(true);
  for (const fault of ['delay', 'slow'] as const) {
    proxy.set(fault);
    expect((await exchange(dial(), LARGE.subarray(0, 3000))).equals(LARGE.subarray(0, 3000))).toBe(true);
  }
});

test('nobody gets through a proxy that is away, and everybody once it is back', async () => {
  const { proxy, dial } = await proxied();
  const before = dial();
  await once(before, 'connect');
  proxy.set('away');
  expect(await exchange(before, 'x')).toEqual(Buffer.alloc(0));
  expect(await exchange(dial(), 'x')).toEqual(Buffer.alloc(0));
  proxy.set();
  expect(String(await exchange(dial(), 'x'))).toBe('x');
});

/** How many bytes come to the server, and back, before the way is cut. */
async function cutAt(seed: number): Promise<[to: number, from: number]> {
  const { proxy, got, dial } = await proxied(seed);
  proxy.set('cut');
  const answer = await exchange(dial(), LARGE.subarray(0, 30_000));
  return [Buffer.concat(got).byteLength, answer.byteLength];
}

test('a cut comes after some bytes in either direction, the same ones for the same seed', async () => {
  const seeds = [1, 2, 3, 4, 5, 6];
  const [first, again] = [await Promise.all(seeds.map(cutAt)), await Promise.all(seeds.map(cutAt))];
  for (const [to, from] of first) {
    expect(to).toBeLessThan(30_000);
    expect(from).toBeLessThanOrEqual(to);
  }
  expect(new Set(first.map(([to]) => to)).size).toBeGreaterThan(1);
  expect(again.map(([to]) => to)).toEqual(first.map(([to]) => to));
});

test('a direction that is closed leaves the other', async () => {
  const { proxy, got, dial } = await proxied();
  proxy.set('half-close');
  const socket = dial();
  const answered = buffer(socket);
  socket.write(LARGE);
  const answer = await answered;
  const to = Buffer.concat(got).byteLength;
  expect(to).toBeLessThan(LARGE.byteLength);
  // The request ended early, and what the server says to it still comes.
  expect(answer.byteLength).toBe(to);
  socket.destroy();
});

test('answers are held back until the fault is over, and then come', async () => {
  const { proxy, got, dial } = await proxied();
  proxy.holdAnswers();
  const socket = dial();
  const answered = buffer(socket);
  socket.end('x');
  await arrived(got, 1);
  expect(socket.bytesRead).toBe(0);
  proxy.set();
  expect(String(await answered)).toBe('x');
});

test('an answer is lost once, after the request has passed', async () => {
  const { proxy, got, dial } = await proxied();
  proxy.loseAnswer();
  expect(await exchange(dial(), 'x')).toEqual(Buffer.alloc(0));
  expect(String(Buffer.concat(got))).toBe('x');
  expect(proxy.lost()).toBe(1);
  expect(String(await exchange(dial(), 'y'))).toBe('y');
  expect(proxy.lost()).toBe(1);
});

test('of so many answers one is lost, again and again', async () => {
  const { proxy, dial } = await proxied();
  proxy.loseEvery(3);
  const answers: string[] = [];
  for (let round = 0; round < 7; round++) answers.push(String(await exchange(dial(), 'x')));
  expect(answers).toEqual(['x', 'x', '', 'x', 'x', '', 'x']);
  expect(proxy.lost()).toBe(2);
  proxy.set();
  for (let round = 0; round < 4; round++) expect(String(await exchange(dial(), 'x'))).toBe('x');
});

test('garbage is in the answers alone, as long as the others, and ends with its connection', async () => {
  const { proxy, got, dial } = await proxied();
  for (const fault of ['garbage', 'noise'] as const) {
    got.length = 0;
    proxy.set(fault);
    const answer = await exchange(dial(), LARGE);
    expect(Buffer.concat(got).equals(LARGE)).toBe(true);
    expect(answer.byteLength).toBe(LARGE.byteLength);
    expect(answer.equals(LARGE)).toBe(false);
    const socket = dial();
    const ended = once(socket, 'end');
    // Not every answer has garbage in it.
    for (let changed = false; !changed;) {
      socket.write('xxxxx');
      const [data] = (await once(socket, 'data')) as [Buffer];
      changed = data.some((byte) => byte !== 0x78);
    }
    proxy.set();
    await ended;
    socket.destroy();
    expect(String(await exchange(dial(), 'x'))).toBe('x');
  }
});
