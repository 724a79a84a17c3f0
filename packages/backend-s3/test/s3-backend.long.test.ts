import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { S3Backend } from '../src/index.ts';
import { httpProxyTo } from './support/http-proxy.ts';
import {
  accountOf,
  bucketOf,
  clientOf,
  endpointOf,
  freshUrl,
  openAt,
  prefixOf,
  textOf,
  throughEndpoint,
  utf8,
} from './support/stores.ts';

const server = inject('s3');
const account = accountOf('url' in server ? server.url : '');
const endpoint = endpointOf(account.url) ?? '';

describe.skipIf('skip' in server)('in a bucket', () => {
  test('a store is the keys under its prefix, and others beside it are left alone', async () => {
    const url = freshUrl(account);
    const [one, other] = [await openAt(account, url), await openAt(account, url.replace('?', '2?'))];
    await one.write('o/a', utf8('1'));
    await other.write('o/b', utf8('2'));
    expect((await one.list('')).entries.map(({ key }) => key)).toEqual(['o/a']);
    const command = new GetObjectCommand({ Bucket: bucketOf(account), Key: `${prefixOf(url)}o/a` });
    expect(await (await clientOf(account).send(command)).Body?.transformToString()).toBe('1');
  });

  test('names that are none of a store are not listed, also where they fill pages', async () => {
    const url = freshUrl(account);
    const backend = await openAt(account, url);
    const client = clientOf(account);
    for (const name of ['', 'A', 'B/', 'O o', 'a//b']) {
      await client.send(
        new PutObjectCommand({ Bucket: bucketOf(account), Key: prefixOf(url) + name, Body: utf8('x') }),
      );
    }
    await backend.write('a/c', utf8('x'));
    await backend.write('z', utf8('x'));
    const first = await backend.list('', { limit: 1 });
    expect(first).toMatchObject({ entries: [{ key: 'a/c' }], more: true });
    const rest = await backend.list('', { after: 'a/c', limit: 1 });
    expect(rest).toMatchObject({ entries: [{ key: 'z' }], more: false });
  });

  test('a body that is larger than any that was written is INTEGRITY', async () => {
    const url = freshUrl(account);
    const backend = await openAt(account, url);
    const place = { Bucket: bucketOf(account), Key: `${prefixOf(url)}o/large` };
    await clientOf(account).send(new PutObjectCommand({ ...place, Body: new Uint8Array(17_000_000) }));
    for (const range of [{}, { start: 0, end: 1 }, { start: 3, end: 3 }]) {
      await expect(backend.read('o/large', range)).rejects.toMatchObject({ code: 'INTEGRITY', key: 'o/large' });
    }
    await backend.write('o/small', utf8('x'));
    expect(await textOf(backend, 'o/small')).toBe('x');
  });

  test('a bucket that is not there is INVALID_ARGUMENT, and one that was removed is no missing key', async () => {
    const bucket = `securestore-${randomUUID()}`;
    const url = account.url.replace(bucketOf(account), bucket);
    await expect(openAt(account, url)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'init' });
    const client = clientOf(account);
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const backend = await openAt(account, url);
    expect(await backend.read('o/a')).toBeUndefined();
    await client.send(new DeleteBucketCommand({ Bucket: bucket }));
    for (const range of [{}, { start: 0, end: 0 }, { start: 5 }]) {
      await expect(backend.read('o/a', range)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', key: 'o/a' });
    }
    await expect(backend.delete('o/a')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

// The proxies of these tests speak no TLS to the service.
describe.skipIf(!endpoint.startsWith('http:'))('requests', () => {
  test('each call is one, beside the look at conditions before the first that depends on them', async () => {
    const proxy = await httpProxyTo(endpoint);
    const backend = await openAt(account, throughEndpoint(freshUrl(account), proxy.endpoint));
    const cost = async (call: () => Promise<unknown>): Promise<number> => {
      const before = proxy.requests.length;
      await call();
      return proxy.requests.length - before;
    };
    expect(proxy.requests).toHaveLength(1);
    expect(await cost(async () => backend.read('o/a'))).toBe(1);
    expect(await cost(async () => backend.write('o/a', utf8('1')))).toBe(1);
    expect(await cost(async () => backend.write('o/b', utf8('1'), { ifAbsent: true }))).toBe(5);
    expect(await cost(async () => backend.write('o/c', utf8('1'), { ifAbsent: true }))).toBe(1);
    const { etag } = await backend.write('o/a', utf8('12345'));
    expect(await cost(async () => backend.write('o/a', utf8('54321'), { ifMatch: etag }))).toBe(1);
    expect(await cost(async () => backend.read('o/a'))).toBe(1);
    expect(await cost(async () => backend.read('o/a', { start: 1, end: 3 }))).toBe(1);
    expect(await cost(async () => backend.list('o/'))).toBe(1);
    expect(await cost(async () => backend.delete('o/b'))).toBe(1);
    expect(await cost(async () => backend.deleteMany(['o/a', 'o/c', 'o/d']))).toBe(1);
    expect((await backend.list('')).entries).toEqual([]);
  });

  test('a thousand at once stay within the pool', async () => {
    const proxy = await httpProxyTo(endpoint);
    const url = throughEndpoint(freshUrl(account), proxy.endpoint);
    const backend = await openAt(account, url, { poolSize: 8 });
    await Promise.all(Array.from({ length: 1000 }, async (_, index) => backend.read(`o/${index}`)));
    expect(proxy.most()).toBe(8);
  });

  test.each(['if-match', 'if-none-match'])(
    'a service that drops %s is refused, before anything is written',
    async (name) => {
      const proxy = await httpProxyTo(endpoint, { drop: [name] });
      const backend = await openAt(account, throughEndpoint(freshUrl(account), proxy.endpoint));
      const { etag } = await backend.write('o/a', utf8('1'));
      for (const condition of [{ ifAbsent: true }, { ifMatch: etag }] as const) {
        await expect(backend.write('o/b', utf8('2'), condition)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
      }
      expect((await backend.list('')).entries.map(({ key }) => key)).toEqual(['o/a']);
      const { requests } = proxy;
      expect(requests.filter((request) => request.startsWith('PUT') && request.includes('/o/b'))).toEqual([]);
    },
  );

  test('the condition of a deletion is promised by the store URL alone', async () => {
    const url = freshUrl(account).replace(/[&?]conditionalDelete=true/, '');
    const backend = await openAt(account, url);
    expect(backend.capabilities.conditionalDelete).toBe(false);
    const { etag } = await backend.write('o/a', utf8('1'));
    await expect(backend.delete('o/a', { ifMatch: etag })).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe.skipIf('skip' in server)("a caller's client", () => {
  test('is used and stays open', async () => {
    const client = clientOf(account);
    const backend = new S3Backend();
    await backend.init({ url: freshUrl(account), options: {}, client });
    await backend.write('o/a', utf8('x'), { ifAbsent: true });
    expect(await textOf(backend, 'o/a')).toBe('x');
    await backend.close();
    await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    await client.send(
      new PutObjectCommand({ Bucket: bucketOf(account), Key: `test-${randomUUID()}`, Body: utf8('x') }),
    );
  });

  test('that can not reach its service is UNAVAILABLE', async () => {
    const client = new S3Client({
      endpoint: 'http://127.0.0.1:1',
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
      forcePathStyle: true,
      maxAttempts: 1,
    });
    onTestFinished(() => client.destroy());
    const init = new S3Backend().init({ url: 's3://vault', options: {}, client });
    await expect(init).rejects.toMatchObject({ code: 'UNAVAILABLE', operation: 'init' });
  });
});
