import { execFileSync, spawnSync } from 'node:child_process';
import type { SpawnSyncReturns } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  decodeObjectBody,
  encodeObjectBody,
  encodeTombstoneBody,
  splitRecord,
} from '../../../packages/core-format/src/index.ts';
import { MemoryBackend } from '../../../packages/backend-memory/src/index.ts';
import { HmacKey, openRecord, randomPool, rawKey, sealRecord } from '../../../packages/crypto/src/index.ts';
import { createObjectStore } from '../../../packages/objects/src/index.ts';
import { EXAMPLE_SECRET, INPUTS } from '../../format-example/src/example.ts';
import { parseObjects } from '../../format-example/src/render.ts';
import { hasPython, input } from './python.ts';
import { sized } from '../../campaigns/src/size.ts';

const reader = fileURLToPath(new URL('../reader.py', import.meta.url));
const document = readFileSync(new URL('../../../docs/format.md', import.meta.url), 'utf8');
const example = parseObjects(document);
const secret = Buffer.from(EXAMPLE_SECRET).toString('hex');

/** All that lies there, or in a short run every sixth object: each is a process. */
const some = (objects: Iterable<[string, Buffer]>): [string, Buffer][] =>
  [...objects].filter((_, at) => at % sized({ short: 6, full: 1, torture: 1 }) === 0);

const payload = (text: string): string => Buffer.from(text).toString('hex');

describe.skipIf(!hasPython)('the reference reader, written from the specification in another language', () => {
  it('reads the example of the specification', () => {
    const printed = execFileSync('python3', ['-B', reader, secret], { input: input(example), encoding: 'utf8' });
    expect(JSON.parse(printed)).toMatchObject([
      { name: 'big', metadata: {}, payload: payload('a payload in a blob') },
      { name: 'db/pw', metadata: { owner: 'ops' }, payload: payload('hello') },
    ]);
  });

  it('refuses the example with the last byte of any object flipped', () => {
    for (const [name, body] of some(example)) {
      const changed = Buffer.from(body);
      changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
      const objects = new Map([...example, [name, changed]]);
      expect(spawnSync('python3', ['-B', reader, secret], { input: input(objects) }).status, name).toBe(5);
    }
  });

  it('refuses a record that states another suite for its blob, though it is sealed under the right key', () => {
    const [name = '', record] = [...example].find(([key]) => key.startsWith('o/m')) ?? [];
    if (record === undefined) throw new Error('no record of a blob');
    const key = { id: INPUTS.keyId, suite: 1, secret: new HmacKey(INPUTS.categoryKey) };
    const split = splitRecord(record);
    const body = decodeObjectBody(openRecord(split, key));
    if (body.payload.kind !== 'blob') throw new Error('no blob');
    for (const [suite, status] of [
      [1, 0],
      [2, 5],
    ] as const) {
      const changed = encodeObjectBody({ ...body, payload: { ...body.payload, suite } });
      const objects = new Map([...example, [name, sealRecord(key, split.header, changed, randomPool())]]);
      const { status: found } = spawnSync('python3', ['-B', reader, secret], { input: input(objects) });
      expect(found, `suite ${suite}`).toBe(status);
    }
  });

  it.each([1, 2] as const)(
    'reads a store of suite %i that the library made, and refuses it changed',
    async (suite) => {
      const backend = new MemoryBackend();
      await backend.init({ url: 'memory:', options: {} });
      const key = Buffer.alloc(32, 5);
      const settings = { backend, url: 'memory:', unlock: rawKey(key), suite, maintenance: false } as const;
      const store = await createObjectStore(settings);
      const large = Buffer.alloc(70_000, 'large ');
      await store.store('a folder/ä 😀', 'text', { metadata: { owner: 'ops' } });
      await store.store('large', large);
      await store.store('gone', 'x');
      await store.delete('gone');
      const objects = new Map<string, Buffer>();
      for (const { key: name } of (await backend.list('')).entries) {
        objects.set(name, Buffer.from((await backend.read(name))?.body ?? Buffer.alloc(0)));
      }
      await store.close();
      const read = (bodies: ReadonlyMap<string, Buffer>): SpawnSyncReturns<string> =>
        spawnSync('python3', ['-B', reader, key.toString('hex')], {
          input: input(bodies),
          encoding: 'utf8',
          maxBuffer: 2 ** 24,
        });
      const found = JSON.parse(read(objects).stdout) as { name: string }[];
      expect(found.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
        { name: 'a folder/ä 😀', metadata: { owner: 'ops' }, payload: payload('text') },
        { name: 'large', payload: large.toString('hex') },
      ]);
      for (const [name, body] of some(objects)) {
        if (name.startsWith('h/')) continue;
        const changed = Buffer.from(body);
        changed.writeUInt8(changed.readUInt8(changed.length - 1) ^ 1, changed.length - 1);
        expect(read(new Map([...objects, [name, changed]])).status, name).toBe(5);
      }
    },
    120_000,
  );

  it('[R-24] refuses an origin that contradicts the version or the commit before it', () => {
    const [name = '', record] = [...example].find(([key]) => key.startsWith('o/o')) ?? [];
    if (record === undefined) throw new Error('no inline record');
    const key = { id: INPUTS.keyId, suite: 1, secret: new HmacKey(INPUTS.categoryKey) };
    const split = splitRecord(record);
    const body = decodeObjectBody(openRecord(split, key));
    const { version } = split.header;
    const before = Buffer.alloc(16, 1);
    for (const [previousCommitId, origin, status] of [
      [split.header.previousCommitId, version, 0],
      [split.header.previousCommitId, version + 1, 5],
      [split.header.previousCommitId, version - 1, 5],
      [before, version - 1, 0],
      [before, version, 5],
    ] as const) {
      const header = { ...split.header, previousCommitId };
      const live = sealRecord(key, header, encodeObjectBody({ ...body, origin }), randomPool());
      const tombstone = encodeTombstoneBody({ modified: 1, origin });
      for (const changed of [live, sealRecord(key, { ...header, kind: 'tombstone' }, tombstone, randomPool())]) {
        const objects = new Map([...example, [name, changed]]);
        const { status: found } = spawnSync('python3', ['-B', reader, secret], { input: input(objects) });
        expect(found, `origin ${origin}`).toBe(status);
      }
    }
  });

  it('refuses another secret', () => {
    const other = Buffer.alloc(32, 9).toString('hex');
    expect(spawnSync('python3', ['-B', reader, other], { input: input(example) }).status).toBe(5);
  });
});
