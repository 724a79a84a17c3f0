import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { impatient } from '../../backend-redis/test/support/impatient.ts';
import { AzureBackend } from '../src/index.ts';
import { parseTarget } from '../src/connection/location.ts';
import { countRequests, mostConnections } from './support/requests.ts';
import { NO_SERVER, containerOf, freshUrl, openAt, textOf, utf8 } from './support/stores.ts';

describe.skipIf(NO_SERVER !== undefined)('what is stored', () => {
  test('lies in a blob for each key, whose name has no part that ends with a dot', async () => {
    const url = freshUrl();
    const { prefix } = parseTarget(url);
    const backend = await openAt(url);
    const keys = ['h/abc-def./@1', 'h/abc.', 'o/x'];
    for (const key of keys) await backend.write(key, utf8(key));
    const container = await containerOf();
    const names = await Array.fromAsync(container.listBlobsFlat({ prefix }), ({ name }) => name.slice(prefix.length));
    expect(names).toEqual(['h/abc!def-/@1', 'h/abc-', 'o/x']);
    expect((await backend.list('h/')).entries.map(({ key }) => key)).toEqual(keys.slice(0, 2));
    for (const key of keys) await backend.delete(key);
    expect((await container.listBlobsFlat({ prefix }).byPage().next()).value.segment.blobItems).toEqual([]);
  });

  test('is not disturbed by what others put beside it', async () => {
    const url = freshUrl();
    const { prefix } = parseTarget(url);
    const container = await containerOf();
    for (const name of ['', 'A', 'a.txt', 'a b', 'b//c', 'ü', 'x'.repeat(230)]) {
      await container.getBlockBlobClient(`${prefix}${name}`).upload('x', 1);
    }
    const backend = await openAt(url);
    expect(await backend.list('')).toEqual({ entries: [], more: false });
    await backend.write('b', utf8('x'));
    await backend.write('z', utf8('x'));
    const found: string[] = [];
    for (let after: string | undefined; ;) {
      const { entries, more } = await backend.list('', { limit: 1, ...(after === undefined ? {} : { after }) });
      found.push(...entries.map(({ key }) => key));
      after = entries.at(-1)?.key;
      if (!more || after === undefined) break;
    }
    expect(found).toEqual(['b', 'z']);
  });

  test('is listed though what others put there fills a page', async () => {
    const url = freshUrl();
    const backend = await openAt(url);
    await (await containerOf()).getBlockBlobClient(`${parseTarget(url).prefix}A`).upload('x', 1);
    for (const key of ['b', 'z']) await backend.write(key, utf8('x'));
    const first = await backend.list('', { after: '@', limit: 1 });
    expect(first).toMatchObject({ entries: [{ key: 'b' }], more: true });
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

  test.each(['*', '"*"', '"a", "b"', 'a\r\nx-ms-version: 1', 'ü', '0x0'])(
    'the etag %j is one etag, and matches nothing',
    async (ifMatch) => {
      const backend = await openAt(freshUrl());
      await backend.write('o/a', utf8('x'));
      await expect(backend.write('o/a', utf8('y'), { ifMatch })).rejects.toMatchObject({ code: 'CONFLICT' });
      await expect(backend.delete('o/a', { ifMatch })).rejects.toMatchObject({ code: 'CONFLICT' });
      expect(await textOf(backend, 'o/a')).toBe('x');
    },
  );

  test('a body that is larger than any that was written is INTEGRITY', async () => {
    const url = freshUrl();
    const backend = await openAt(url);
    const blob = (await containerOf()).getBlockBlobClient(`${parseTarget(url).prefix}large`);
    await blob.upload(Buffer.alloc(16 * 2 ** 20 + 1), 16 * 2 ** 20 + 1);
    for (const range of [{}, { start: 0, end: 1 }, { start: 2 ** 25 }]) {
      await expect(backend.read('large', range)).rejects.toMatchObject({ code: 'INTEGRITY', key: 'large' });
    }
    // What was not read must not fail later, when nobody listens any more.
    let limit = 0;
    const soon = await impatient((timeout) => openAt(url, { timeout: (limit = timeout) }));
    for (const range of [{}, { start: 0, end: 1 }]) await soon.read('large', range).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, limit + 100));
  });

  test('a leased blob, and one with snapshots, is READ_ONLY for what they forbid', async () => {
    const url = freshUrl();
    const backend = await openAt(url);
    const { etag } = await backend.write('o/a', utf8('x'));
    const blob = (await containerOf()).getBlockBlobClient(`${parseTarget(url).prefix}o/a`);
    await blob.createSnapshot();
    await expect(backend.delete('o/a')).rejects.toMatchObject({ code: 'READ_ONLY', key: 'o/a' });
    const lease = blob.getBlobLeaseClient();
    await lease.acquireLease(60);
    await expect(backend.write('o/a', utf8('y'))).rejects.toMatchObject({ code: 'READ_ONLY', key: 'o/a' });
    await expect(backend.write('o/a', utf8('y'), { ifMatch: etag })).rejects.toMatchObject({ code: 'READ_ONLY' });
    await lease.releaseLease();
    await backend.write('o/a', utf8('y'), { ifMatch: etag });
    expect(await textOf(backend, 'o/a')).toBe('y');
  });

  test('in a container that is not there is INVALID_ARGUMENT, and in one that went away no missing key', async () => {
    const name = `test-${randomUUID()}`;
    const url = freshUrl().replace(/\/\/[^/]*/, `//${name}`);
    await expect(openAt(url)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'init' });
    const container = await containerOf(url);
    const backend = await openAt(url);
    await container.delete();
    for (const call of [
      async () => backend.read('o/a'),
      async () => backend.list(''),
      async () => backend.write('o/a', utf8('x')),
      async () => backend.delete('o/a'),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    }
  });
});

/** All keys under `k/`, in pages of twenty. */
async function scan(handle: AzureBackend): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | undefined; ;) {
    const { entries, more } = await handle.list('k/', { limit: 20, ...(after === undefined ? {} : { after }) });
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
      [async () => backend.read('o/missing'), 1],
      [async () => backend.write('o/warm', utf8('y'), { ifMatch: etag }), 1],
      [async () => backend.write('o/warm', utf8('z'), { ifMatch: etag }).catch(() => undefined), 1],
      [async () => backend.delete('o/a'), 1],
      [async () => backend.list('o/'), 1],
    ];
    for (const [call, requests] of calls) expect(await countRequests(call)).toBe(requests);
  });

  test('names come in byte order over many pages, each of which is one request', async () => {
    const url = freshUrl();
    const backend = await openAt(url);
    const keys = Array.from({ length: 300 }, (_, index) => `k/${((index * 7919) % 300).toString(36)}.-/@${index}`);
    for (let from = 0; from < keys.length; from += 50) {
      await Promise.all(keys.slice(from, from + 50).map(async (key) => backend.write(key, utf8('x'))));
    }
    expect(await scan(backend)).toEqual(keys.toSorted());
    expect(await countRequests(async () => scan(backend))).toBe(15);
    // A handle that was not there before finds the place by the key alone.
    const [, first = '', second] = keys.toSorted();
    const resumed = await (await openAt(url)).list('k/', { after: first, limit: 1 });
    expect(resumed).toMatchObject({ entries: [{ key: second }], more: true });
  });

  test('a thousand at once stay within the pool', async () => {
    const backend = await openAt(freshUrl(), { poolSize: 4 });
    const most = await mostConnections(async () =>
      Promise.all(Array.from({ length: 1000 }, async (_, index) => backend.write(`o/${index}`, utf8('x')))),
    );
    expect(most).toBe(4);
    expect((await backend.list('', { limit: 1000 })).entries).toHaveLength(1000);
  });
});
