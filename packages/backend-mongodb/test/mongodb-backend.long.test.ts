import { type CommandStartedEvent, MongoClient } from 'mongodb';
import { randomInt } from 'node:crypto';
import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { MongodbBackend } from '../src/index.ts';
import { clientOf, freshCollection, freshUrl, openAt, utf8 } from './support/stores.ts';

const server = inject('mongodb');
const url = 'url' in server ? server.url : '';
/** Pieces of a body are this long. */
const PIECE = 65_536;

async function textOf(backend: MongodbBackend, key: string): Promise<string | undefined> {
  const found = await backend.read(key);
  return found && Buffer.from(found.body).toString();
}

/** A backend on a client whose commands are noted. */
async function watched(storeUrl: string): Promise<{ backend: MongodbBackend; commands: CommandStartedEvent[] }> {
  const commands: CommandStartedEvent[] = [];
  const client = new MongoClient(url, { monitorCommands: true });
  client.on('commandStarted', (event) => void commands.push(event));
  onTestFinished(async () => client.close());
  const backend = new MongodbBackend();
  await backend.init({ url: storeUrl, options: {}, client });
  return { backend, commands };
}

describe.skipIf('skip' in server)('the collection', () => {
  test('is made by the first write, and not by opening, reading, listing, deleting or closing', async () => {
    const collection = freshCollection();
    const db = clientOf(url).db();
    const names = async (): Promise<string[]> =>
      (await db.listCollections({ name: collection }).toArray()).map(({ name }) => name);
    const backend = await openAt(freshUrl(url, collection));
    expect(await backend.read('store')).toBeUndefined();
    expect(await backend.list('')).toEqual({ entries: [], more: false });
    await backend.delete('store');
    await backend.deleteMany(['store']);
    expect(await names()).toEqual([]);
    const writer = await openAt(freshUrl(url, collection));
    await writer.write('store', utf8('x'));
    expect(await names()).toEqual([collection]);
    expect(await textOf(backend, 'store')).toBe('x');
    expect((await backend.list('')).entries).toHaveLength(1);
  });

  test('is made once where many come at the same moment', async () => {
    const storeUrl = freshUrl(url);
    const backends = await Promise.all(Array.from({ length: 8 }, async () => openAt(storeUrl)));
    await Promise.all(
      backends.map(async (backend, index) => backend.write(`o/${index}`, utf8('x'), { ifAbsent: true })),
    );
    expect((await backends[0]?.list(''))?.entries).toHaveLength(8);
  });

  test('has an index with all that a listing says, and deleting everything leaves only the layout', async () => {
    const collection = freshCollection();
    const backend = await openAt(freshUrl(url, collection));
    await backend.write('o/a', utf8('x'));
    await backend.deleteMany(['o/a']);
    const raw = clientOf(url).db().collection(collection);
    expect((await raw.indexes()).map(({ key }) => key)).toEqual([{ _id: 1 }, { _id: 1, size: 1, modified: 1 }]);
    expect(await raw.find().toArray()).toEqual([{ _id: 0, layout: 1 }]);
  });

  test('of others is refused, and stays as it is', async () => {
    const db = clientOf(url).db();
    const full = freshCollection();
    await db.collection<{ _id: string }>(full).insertOne({ _id: 'theirs' });
    await expect(openAt(freshUrl(url, full))).rejects.toMatchObject({ code: 'FORMAT_VERSION', operation: 'init' });
    const forgetful = freshCollection();
    await db.createCollection(forgetful, { capped: true, size: 100_000 });
    const german = freshCollection();
    await db.createCollection(german, { collation: { locale: 'de' } });
    for (const [collection, reason] of [[forgetful, /capped/] as const, [german, /language/] as const]) {
      const backend = await openAt(freshUrl(url, collection));
      const write = backend.write('o/a', utf8('x'));
      await expect(write).rejects.toMatchObject({ code: 'FORMAT_VERSION', message: expect.stringMatching(reason) });
      expect(await db.collection(collection).countDocuments()).toBe(0);
    }
    expect(await db.collection(full).countDocuments()).toBe(1);
  });

  test('of a newer layout is FORMAT_VERSION, which names both', async () => {
    const collection = freshCollection();
    await (await openAt(freshUrl(url, collection))).write('o/a', utf8('x'));
    await clientOf(url)
      .db()
      .collection(collection)
      .updateOne({ layout: 1 }, { $set: { layout: 2 } });
    await expect(openAt(freshUrl(url, collection))).rejects.toThrow(/layout 2.*layout 1/);
  });

  test('without its index is listed no more, and says so', async () => {
    const collection = freshCollection();
    const backend = await openAt(freshUrl(url, collection));
    await backend.write('o/a', utf8('x'));
    await clientOf(url).db().collection(collection).dropIndex('securestore_listing');
    await expect(backend.list('')).rejects.toMatchObject({ code: 'INTEGRITY', message: /index/ });
    expect(await textOf(backend, 'o/a')).toBe('x');
  });
});

describe.skipIf('skip' in server)('commands', () => {
  test('each call is one, with majority concerns; what a range does not touch stays on the server', async () => {
    const storeUrl = freshUrl(url);
    await (await openAt(storeUrl)).write('first', utf8('x'));
    const { backend, commands } = await watched(storeUrl);
    const did = async (call: () => Promise<unknown>): Promise<[string, unknown][]> => {
      commands.length = 0;
      await call();
      return commands.map(({ commandName, command }) => [
        commandName,
        (command['writeConcern'] ?? command['readConcern']) as unknown,
      ]);
    };
    const changed = { w: 'majority', j: true, wtimeout: 30_000 };
    const body = new Uint8Array(5 * PIECE).fill(7);
    expect(await did(async () => backend.write('o/a', body, { ifAbsent: true }))).toEqual([['findAndModify', changed]]);
    const etag = (await backend.read('o/a'))?.etag ?? '';
    expect(await did(async () => backend.read('o/a'))).toEqual([['aggregate', { level: 'majority' }]]);
    expect(await did(async () => backend.read('o/a', { start: 1 }))).toHaveLength(1);
    expect(await did(async () => backend.write('o/a', body, { ifMatch: etag }))).toEqual([['findAndModify', changed]]);
    expect(await did(async () => backend.list(''))).toEqual([['find', { level: 'majority' }]]);
    expect(await did(async () => backend.delete('o/a'))).toEqual([['delete', changed]]);
    expect(await did(async () => backend.deleteMany(['o/a', 'o/b']))).toEqual([['delete', changed]]);
  });

  test('a range brings the pieces that it touches, and no others', async () => {
    const storeUrl = freshUrl(url);
    const { backend, commands } = await watched(storeUrl);
    const body = new Uint8Array(5 * PIECE + 100).map((_, index) => index % 251);
    await backend.write('o/a', body);
    for (const [start, end, pieces] of [
      [0, 1, 1],
      [PIECE - 1, PIECE + 1, 2],
      [PIECE, 2 * PIECE, 1],
      [5 * PIECE, undefined, 1],
      [0, undefined, 6],
      [3 * PIECE + 5, 2 ** 50, 3],
      [2 ** 50, undefined, 0],
      [7, 7, 0],
    ] as const) {
      commands.length = 0;
      const found = await backend.read('o/a', { start, ...(end === undefined ? {} : { end }) });
      expect(Buffer.compare(found?.body ?? utf8('none'), body.subarray(start, end)), `${start} to ${end}`).toBe(0);
      const [command] = commands;
      const db = clientOf(url).db();
      const { cursor } = await db.command({ ...plain(command?.command), readConcern: { level: 'majority' } });
      const sent = (cursor.firstBatch[0].body as unknown[]).length;
      expect(sent, `${start} to ${end}`).toBeLessThanOrEqual(Math.max(pieces, 1));
    }
  });

  test('a thousand calls at once stay within the pool', async () => {
    const storeUrl = freshUrl(url);
    const client = new MongoClient(url, { maxPoolSize: 4 });
    let open = 0;
    let most = 0;
    client.on('connectionCreated', () => (most = Math.max(most, ++open))).on('connectionClosed', () => open--);
    const backend = new MongodbBackend();
    await backend.init({ url: storeUrl, options: {}, client });
    await Promise.all(Array.from({ length: 1000 }, async (_, index) => backend.write(`o/${index}`, utf8('x'))));
    expect(most).toBeLessThanOrEqual(4);
    expect((await backend.list('', { limit: 1000 })).entries).toHaveLength(1000);
    await backend.close();
    await expect(backend.read('o/1')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false });
    // The caller's client stays open.
    expect(await client.db().command({ ping: 1 })).toMatchObject({ ok: 1 });
    await client.close();
  });
});

/** A name of characters that sort differently by language and by byte. */
function randomName(): string {
  const characters = '-./09@_az~';
  return `o/x${Array.from({ length: 12 }, () => characters[randomInt(characters.length)])
    .join('')
    .replaceAll('/', '_')}`;
}

/** A command without what the driver added. */
function plain(command: object | undefined): object {
  const own = Object.entries(command ?? {}).filter(([name]) => !['lsid', '$db', '$clusterTime'].includes(name));
  return Object.fromEntries(own);
}

describe.skipIf('skip' in server)('what is stored', () => {
  test('thousands of names come in byte order, over many pages', async () => {
    const collection = freshCollection();
    const backend = await openAt(freshUrl(url, collection));
    await backend.write('p/other', utf8('x'));
    const names = [...new Set(Array.from({ length: 3500 }, randomName))];
    const documents = names.map((_id) => ({ _id, etag: 'x', size: 0, modified: 1, body: [] }));
    await clientOf(url).db().collection<{ _id: string }>(collection).insertMany(documents);
    const found: string[] = [];
    let pages = 0;
    for (let after: string | undefined; ;) {
      const page = await backend.list('o/', after === undefined ? {} : { after });
      found.push(...page.entries.map(({ key }) => key));
      pages += 1;
      after = found.at(-1);
      if (!page.more) break;
    }
    expect(found).toEqual(names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))));
    expect(pages).toBe(4);
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

  test('the largest body fits into a document, and ranges of it are right wherever they begin', async () => {
    const backend = await openAt(freshUrl(url));
    const { maxBodyBytes } = backend.capabilities;
    const body = Buffer.alloc(maxBodyBytes, 'etwas');
    await backend.write('o/large', body);
    expect(Buffer.compare((await backend.read('o/large'))?.body ?? utf8('none'), body)).toBe(0);
    for (let round = 0; round < 20; round++) {
      const start = randomInt(maxBodyBytes);
      const end = start + randomInt(200_000);
      const found = await backend.read('o/large', { start, end });
      expect(Buffer.compare(found?.body ?? utf8('none'), body.subarray(start, end)), `${start} to ${end}`).toBe(0);
    }
  });

  test('the time of a key never runs backwards', async () => {
    const collection = freshCollection();
    const backend = await openAt(freshUrl(url, collection));
    const { modified = 0 } = await backend.write('o/a', utf8('1'));
    const ahead = modified + 3_600_000;
    await clientOf(url)
      .db()
      .collection<{ _id: string }>(collection)
      .updateOne({ _id: 'o/a' }, { $set: { modified: ahead } });
    expect((await backend.write('o/a', utf8('2'))).modified).toBe(ahead);
    expect((await backend.list('')).entries).toEqual([{ key: 'o/a', size: 1, modified: ahead }]);
  });

  test('what other hands cut or changed is INTEGRITY, and what stands beside it is not', async () => {
    const collection = freshCollection();
    const backend = await openAt(freshUrl(url, collection));
    const changes = {
      'o/bytes': { $set: { body: [new Uint8Array(10)] } },
      'o/etag': { $unset: { etag: 1 } },
      'o/none': { $set: { body: 'none' } },
      'o/size': { $set: { size: 2 ** 25 } },
      'o/time': { $set: { modified: -1 } },
    } as const;
    const raw = clientOf(url).db().collection<{ _id: string }>(collection);
    await backend.write('o/whole', utf8('whole'));
    for (const [key, change] of Object.entries(changes)) {
      await backend.write(key, new Uint8Array(100_000));
      await raw.updateOne({ _id: key }, change);
      await expect(backend.read(key), key).rejects.toMatchObject({ code: 'INTEGRITY', key });
    }
    expect(await textOf(backend, 'o/whole')).toBe('whole');
    await expect(backend.list('o/t')).rejects.toMatchObject({ code: 'INTEGRITY', key: 'o/time' });
    expect((await backend.list('o/w')).entries).toHaveLength(1);
  });
});
