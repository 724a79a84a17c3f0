import { Storage } from '@google-cloud/storage';
import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { countRequests, mostConnections } from '../../backend-azure/test/support/requests.ts';
import { impatient } from '../../backend-redis/test/support/impatient.ts';
import { GcsBackend } from '../src/index.ts';
import { parseTarget } from '../src/connection/location.ts';
import {
  LACKING,
  NO_OWN_SERVER,
  NO_SERVER,
  callBucket,
  endpointOf,
  freshUrl,
  makeBucket,
  openAt,
  textOf,
  url,
  utf8,
} from './support/stores.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';

const AT_ONCE = LONG ? 1000 : 200;

describe.skipIf(NO_SERVER !== undefined)('what is stored', () => {
  test('lies in an object for each key, under the prefix', async (context) => {
    if (NO_OWN_SERVER !== undefined) context.skip(NO_OWN_SERVER);
    const storeUrl = freshUrl();
    const { prefix } = parseTarget(storeUrl);
    const backend = await openAt(storeUrl);
    const keys = ['h/abc./@1', 'o/x'];
    for (const key of keys) await backend.write(key, utf8(key));
    const list = async (): Promise<unknown> => (await callBucket(storeUrl, 'GET', `/o?prefix=${prefix}`)).json();
    expect(await list()).toMatchObject({ items: keys.map((key) => ({ name: prefix + key })) });
    for (const key of keys) await backend.delete(key);
    expect(await list()).not.toHaveProperty('items');
  });

  test('is not disturbed by what others put beside it', async (context) => {
    if (NO_OWN_SERVER !== undefined) context.skip(NO_OWN_SERVER);
    const storeUrl = freshUrl();
    const { prefix } = parseTarget(storeUrl);
    for (const name of ['', 'A', 'a b', 'b//c', 'ü', 'x'.repeat(230)]) {
      const query = `?uploadType=media&name=${encodeURIComponent(prefix + name)}`;
      expect((await callBucket(storeUrl, 'POST', `/o${query}`, 'x')).status).toBe(200);
    }
    const backend = await openAt(storeUrl);
    expect(await backend.list('')).toEqual({ entries: [], more: false });
    await backend.write('b', utf8('x'));
    await backend.write('z', utf8('x'));
    expect(await backend.list('', { after: '@', limit: 1 })).toMatchObject({ entries: [{ key: 'b' }], more: true });
    expect(await scan(backend, '', 1)).toEqual(['b', 'z']);
  });

  test('an etag is never given twice, also for the same bytes and for a key that is made again', async () => {
    const backend = await openAt(freshUrl());
    const etags = new Set<string>();
    for (let round = 0; round < 5; round++) {
      etags.add((await backend.write('o/a', utf8('same'))).etag);
      await backend.delete('o/a');
      etags.add((await backend.write('o/a', utf8('same'), { ifAbsent: true })).etag);
    }
    expect(etags.size).toBe(10);
  });

  test.each(['0', '-1', '1&ifGenerationNotMatch=1', '*', 'x', '9'.repeat(30)])(
    'the etag %j is one etag, and matches nothing',
    async (ifMatch) => {
      const backend = await openAt(freshUrl());
      await expect(backend.write('o/a', utf8('y'), { ifMatch })).rejects.toMatchObject({ code: 'CONFLICT' });
      await backend.write('o/a', utf8('x'));
      await expect(backend.write('o/a', utf8('y'), { ifMatch })).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(backend.delete('o/a', { ifMatch })).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await textOf(backend, 'o/a')).toBe('x');
    },
  );

  test('a body that is larger than any that was written is INTEGRITY', async (context) => {
    const reason = NO_OWN_SERVER ?? LACKING;
    if (reason !== undefined) context.skip(reason);
    const storeUrl = freshUrl();
    const backend = await openAt(storeUrl);
    const query = `?uploadType=media&name=${encodeURIComponent(`${parseTarget(storeUrl).prefix}large`)}`;
    await callBucket(storeUrl, 'POST', `/o${query}`, 'x'.repeat(16 * 2 ** 20 + 1));
    for (const range of [{}, { start: 0, end: 1 }, { start: 2 ** 25 }]) {
      await expect(backend.read('large', range)).rejects.toMatchObject({ code: 'INTEGRITY', key: 'large' });
    }
    // What was not read must not fail later, when nobody listens any more.
    let limit = 0;
    const soon = await impatient((timeout) => openAt(storeUrl, { timeout: (limit = timeout) }));
    for (const range of [{}, { start: 0, end: 1 }]) await soon.read('large', range).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, limit + 100));
  });

  test('in a bucket that is not there is INVALID_ARGUMENT, and in one that went away no missing key', async (context) => {
    if (NO_OWN_SERVER !== undefined) context.skip(NO_OWN_SERVER);
    const storeUrl = freshUrl().replace(/\/\/[^/]*/, `//test-${randomUUID()}`);
    await expect(openAt(storeUrl)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'init' });
    await makeBucket(storeUrl);
    const backend = await openAt(storeUrl);
    await callBucket(storeUrl, 'DELETE', '');
    for (const call of [
      async () => backend.read('o/a'),
      async () => backend.list(''),
      async () => backend.delete('o/a'),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    }
  });
});

/** All keys under a prefix, in pages of a size. */
async function scan(handle: GcsBackend, prefix: string, limit: number): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | undefined; ;) {
    const { entries, more } = await handle.list(prefix, { limit, ...(after === undefined ? {} : { after }) });
    found.push(...entries.map(({ key }) => key));
    after = entries.at(-1)?.key;
    if (!more) return found;
  }
}

describe.skipIf(NO_SERVER !== undefined)('requests', () => {
  test('a new object, a retrieve, a range, an overwrite and a deletion are one each', async () => {
    const backend = await openAt(freshUrl());
    const { etag } = await backend.write('o/warm', utf8('x'));
    const calls: [() => Promise<unknown>, number][] = [
      [async () => backend.write('o/a', utf8('body'), { ifAbsent: true }), 1],
      [async () => backend.read('o/a'), 1],
      [async () => backend.read('o/a', { start: 1, end: 3 }), 1],
      [async () => backend.write('o/warm', utf8('y'), { ifMatch: etag }), 1],
      [async () => backend.write('o/warm', utf8('z'), { ifMatch: etag }).catch(() => undefined), 1],
      [async () => backend.delete('o/a'), 1],
      [async () => backend.list('o/'), 1],
    ];
    for (const [call, requests] of calls) expect(await countRequests(call)).toBe(requests);
  });

  test('names come in byte order over many pages, each of which is one request', async () => {
    const backend = await openAt(freshUrl());
    const keys = Array.from({ length: 300 }, (_, index) => `k/${((index * 7919) % 300).toString(36)}./@${index}`);
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(keys.slice(from, from + 50).map(async (key) => backend.write(key, utf8('x'))));
    }
    expect(await scan(backend, 'k/', 20)).toEqual(keys.toSorted());
    expect(await countRequests(async () => scan(backend, 'k/', 20))).toBe(15);
  });

  test('many at once stay within the pool', async () => {
    const backend = await openAt(freshUrl(), { poolSize: 4 });
    const most = await mostConnections(async () =>
      Promise.all(Array.from({ length: AT_ONCE }, async (_, index) => backend.write(`o/${index}`, utf8('x')))),
    );
    expect(most).toBe(4);
    expect(await scan(backend, '', 1000)).toHaveLength(AT_ONCE);
  });
});

describe.skipIf(NO_OWN_SERVER !== undefined)("a caller's client", () => {
  test('is used, and stays usable', async () => {
    const client = new Storage({ apiEndpoint: endpointOf(url), projectId: 'test' });
    const storeUrl = freshUrl().replace(/\?.*/, '');
    const backend = new GcsBackend();
    await backend.init({ url: storeUrl, options: {}, client });
    const { etag } = await backend.write('o/a', utf8('x'));
    await backend.close();
    await expect(backend.read('o/a')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    const { bucket, prefix } = parseTarget(storeUrl);
    const [metadata] = await client.bucket(bucket).file(`${prefix}o/a`).getMetadata();
    expect(String(metadata.generation)).toBe(etag);
  });
});
