import { Cluster } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { RedisBackend } from '../src/index.ts';
import { impatient } from './support/impatient.ts';
import { clientOf, freshUrl, openAt, proxied, utf8 } from './support/stores.ts';
import { expectNoSecret } from './support/secrets.ts';

const server = inject('redis');
const url = 'url' in server ? server.url : '';

describe.skipIf('skip' in server)('on a server', () => {
  test('all names of a store share its hash tag, and deleting everything leaves only the clock', async () => {
    const storeUrl = freshUrl(url);
    const tag = `{${new URL(storeUrl).searchParams.get('prefix')}}`;
    const backend = await openAt(storeUrl);
    const client = clientOf(url);
    const names = async (): Promise<string[]> => (await client.keys(`*${tag}*`)).toSorted();
    expect(await names()).toEqual([]);
    await backend.batch([
      { type: 'write', key: 'o/a', body: utf8('1') },
      { type: 'write', key: 'o/b', body: utf8('2') },
    ]);
    expect(await names()).toEqual(['body:o/a', 'body:o/b', 'clock', 'index', 'meta'].map((name) => `${tag}:${name}`));
    await backend.deleteMany(['o/a', 'o/b']);
    expect(await names()).toEqual([`${tag}:clock`]);
  });

  test('an etag is never given twice, also for the same bytes and for a key that is made again', async () => {
    const backend = await openAt(freshUrl(url));
    const etags = new Set<string>();
    for (let round = 0; round < 5; round++) {
      etags.add((await backend.write('o/a', utf8('same'))).etag);
      await backend.delete('o/a');
      etags.add((await backend.write('o/a', utf8('same'), { ifAbsent: true })).etag);
    }
    expect(etags.size).toBe(10);
  });

  test('modified and now never run backwards, though the clock of the server is set back', async () => {
    const storeUrl = freshUrl(url);
    const backend = await openAt(storeUrl);
    const later = (await backend.write('o/a', utf8('1'))).modified ?? Number.NaN;
    const ahead = later + 3_600_000;
    await clientOf(url).hset(`{${new URL(storeUrl).searchParams.get('prefix')}}:clock`, 'modified', ahead);
    expect((await backend.write('o/b', utf8('1'))).modified).toBe(ahead);
    expect(await backend.read('o/a')).toMatchObject({ modified: later, now: ahead });
  });

  test('a newer layout is FORMAT_VERSION and names both', async () => {
    const storeUrl = freshUrl(url);
    await clientOf(url).hset(`{${new URL(storeUrl).searchParams.get('prefix')}}:clock`, 'layout', '2');
    const opened = openAt(storeUrl);
    await expect(opened).rejects.toMatchObject({ code: 'FORMAT_VERSION', operation: 'init' });
    await expect(opened).rejects.toThrow(/layout 2.*layout 1/);
  });

  test('what other hands removed, cut or made too large is INTEGRITY, and what stands beside it is not', async () => {
    const storeUrl = freshUrl(url);
    const name = (key: string): string => `{${new URL(storeUrl).searchParams.get('prefix')}}:${key}`;
    const backend = await openAt(storeUrl);
    for (const key of ['evicted', 'cut', 'large', 'whole']) await backend.write(key, utf8(key));
    const client = clientOf(url);
    await client.del(name('body:evicted'));
    await client.set(name('body:cut'), 'c');
    await client.setrange(name('body:large'), 20_000_000, 'x');
    for (const key of ['evicted', 'cut', 'large']) {
      await expect(backend.read(key), key).rejects.toMatchObject({ code: 'INTEGRITY', key });
      await expect(backend.read(key, { start: 0, end: 1 }), key).rejects.toMatchObject({ code: 'INTEGRITY', key });
    }
    expect((await backend.read('whole'))?.size).toBe(5);
    await client.hdel(name('meta'), 'cut');
    await expect(backend.list('')).rejects.toMatchObject({ code: 'INTEGRITY', key: 'cut' });
    await client.set(name('index'), 'no sorted set');
    await expect(backend.list('')).rejects.toMatchObject({ code: 'INTEGRITY' });
  });

  test('a thousand calls at once are one connection', async () => {
    const client = clientOf(url);
    // Other tests come and go on the same server, as another user.
    const user = `many-${randomUUID()}`;
    await client.call('ACL', 'SETUSER', user, 'on', '>canary-7731', '~*', '+@all');
    onTestFinished(async () => void (await client.call('ACL', 'DELUSER', user)));
    const backend = await openAt(freshUrl(url.replace(/:\/\/(?:.*@)?/, `://${user}:canary-7731@`)));
    await Promise.all(Array.from({ length: 1000 }, async (_, index) => backend.write(`o/${index}`, utf8('x'))));
    const connected = String(await client.call('CLIENT', 'LIST')).split('\n');
    expect(connected.filter((line) => line.includes(` user=${user} `))).toHaveLength(1);
    expect((await backend.list('', { limit: 1000 })).entries).toHaveLength(1000);
  });
});

describe.skipIf('skip' in server)("a caller's client", () => {
  test('is used and stays open', async () => {
    const client = clientOf(url);
    const backend = new RedisBackend();
    await backend.init({ url: freshUrl('redis://ignored/0'), options: {}, client });
    await backend.write('o/a', utf8('x'));
    await backend.close();
    await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    expect(await client.ping()).toBe('PONG');
  });

  test('that sends a write again after its acknowledgement was lost still wins its condition', async () => {
    const proxy = await proxied(url);
    const client = clientOf(proxy.url);
    const backend = new RedisBackend();
    await backend.init({ url: freshUrl(url), options: {}, client });
    for (const key of ['o/a', 'o/b']) {
      proxy.loseAnswer();
      const written = await backend.write(key, utf8('x'), { ifAbsent: true });
      expect(await backend.read(key)).toMatchObject({ etag: written.etag, modified: written.modified });
      await expect(backend.write(key, utf8('y'), { ifAbsent: true })).rejects.toMatchObject({ code: 'CONFLICT' });
    }
  });

  test('may be a cluster, and one that can not be reached is UNAVAILABLE', async () => {
    const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { clusterRetryStrategy: () => null });
    cluster.on('error', () => undefined);
    const init = new RedisBackend().init({ url: 'redis://ignored/0', options: {}, client: cluster });
    await expect(init).rejects.toMatchObject({ code: 'UNAVAILABLE', operation: 'init' });
  });
});

describe.skipIf('skip' in server)('a connection that breaks', () => {
  test('leaves a write unknown whose answer was lost, and is made again', async () => {
    const proxy = await proxied(url);
    const backend = await openAt(freshUrl(proxy.url));
    await backend.write('o/a', utf8('1'));
    proxy.loseAnswer();
    await expect(backend.write('o/a', utf8('2'))).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
      outcome: 'unknown',
      key: 'o/a',
    });
    expect(Buffer.from((await backend.read('o/a'))?.body ?? []).toString()).toBe('2');
    proxy.loseAnswer();
    const failure = await backend.read('o/a').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(failure).not.toHaveProperty('outcome');
  });

  test('while it can not be made again, nothing is sent, so every outcome is known', async () => {
    const proxy = await proxied(url);
    const backend = await openAt(freshUrl(proxy.url));
    proxy.cut();
    await backend.write('o/a', utf8('1')).catch(() => undefined);
    const failure = await backend.write('o/a', utf8('2')).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(failure).not.toHaveProperty('outcome');
  });

  test('a server that falls silent is given up after the timeout', async () => {
    const proxy = await proxied(url);
    const backend = await impatient((timeout) => openAt(freshUrl(proxy.url), { timeout }));
    proxy.holdAnswers();
    await expect(backend.write('o/a', utf8('1'))).rejects.toMatchObject({ code: 'UNAVAILABLE', outcome: 'unknown' });
  });

  test('an abort does not wait for the answer, and says what is not known', async () => {
    const proxy = await proxied(url);
    const storeUrl = freshUrl(proxy.url);
    const backend = await openAt(storeUrl);
    // A server that does not know the scripts would have to say so first.
    await backend.write('o/before', utf8('x'));
    proxy.holdAnswers();
    const controller = new AbortController();
    const { signal } = controller;
    const body = utf8('1'.repeat(10_000));
    const sent = proxy.sends(body.byteLength);
    const calls = [backend.write('o/a', body, { signal }), backend.read('o/a', { signal })];
    const settled = Promise.allSettled(calls);
    await sent;
    controller.abort(new Error('enough'));
    const [write, read] = await settled;
    body.fill(0);
    expect(write).toMatchObject({ reason: { code: 'ABORTED', outcome: 'unknown', cause: { message: 'enough' } } });
    expect(read).toMatchObject({ reason: { code: 'ABORTED' } });
    const beside = await openAt(`${url}${new URL(storeUrl).search}`);
    const found = async (): Promise<string> => Buffer.from((await beside.read('o/a'))?.body ?? []).toString();
    await expect.poll(found).toBe('1'.repeat(10_000));
  });
});

describe.skipIf('skip' in server)('credentials', () => {
  test('a wrong password is UNAUTHENTICATED, and none is ever shown', async () => {
    const storeUrl = new URL(freshUrl(url));
    const real = storeUrl.password;
    storeUrl.password = 'canary-7731';
    const refused = await openAt(storeUrl.href).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, operation: 'init' });
    expectNoSecret(refused, ['canary-7731', real]);
    const withOption = await openAt(storeUrl.href, { password: real });
    await withOption.write('o/a', utf8('x'));
  });

  test('nor where the server can not be reached, speaks no TLS, has no such database, or breaks off', async () => {
    const proxy = await proxied(url);
    const secrets = [new URL(url).password, 'canary-7731'].filter(Boolean);
    const failures = [
      openAt('redis://ann:canary-7731@127.0.0.1:1/0'),
      openAt('redis://ann:canary-7731@no-such-host.invalid/0'),
      openAt(proxy.url.replace('redis:', 'rediss:'), { timeout: 500 }),
      openAt(url.replace(/\/0$/, '/99999')),
    ];
    const codes = ['UNAVAILABLE', 'UNAVAILABLE', 'UNAVAILABLE', 'INVALID_ARGUMENT'];
    for (const [index, failure] of (await Promise.allSettled(failures)).entries()) {
      expect(failure).toMatchObject({ status: 'rejected', reason: { code: codes[index], operation: 'init' } });
      expectNoSecret(failure, secrets);
    }
    const backend = await openAt(freshUrl(proxy.url));
    proxy.loseAnswer();
    const lost = await backend.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    expectNoSecret(lost, [...secrets, 'payload-7731']);
  });
});
