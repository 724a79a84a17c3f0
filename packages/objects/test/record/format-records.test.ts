import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { encodeTombstoneBody, objectName, parseStoreKey, parseVersion, splitRecord } from '@securestore/core-format';
import { randomPool, sealRecord } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { failure, openAt, patterned } from '../support/stores.ts';
import type { Forgery, Workshop } from '../support/workshop.ts';
import { forge, resign, workshop } from '../support/workshop.ts';

// What a reader checks of records, blobs, head and keyring beyond what the codecs and the cryptography check: each test
// lays something at the backend that somebody with some of the keys, or none, could lay there.

const numberOf = (version: string): number => parseVersion(version).number;

async function refused(shop: Workshop, key: string, forgery: Forgery): Promise<void> {
  await forge(shop, key, forgery);
  await failure(shop.store.retrieve(key), 'INTEGRITY');
}

describe('a record', () => {
  it('is accepted where everything fits: the control of the tests below', async () => {
    const shop = await workshop();
    await forge(shop, 'a', {});
    expect((await shop.store.retrieve('a')).text()).toBe('abc');
    await forge(shop, 'tokens/a', {});
    expect((await shop.store.retrieve('tokens/a')).info.category).toBe('tokens');
  });

  it('[R-14] is refused in another lineage', async () => {
    await refused(await workshop(), 'a', { header: { lineage: Buffer.alloc(16, 5) } });
  });

  it('[R-15] is refused at another name', async () => {
    const shop = await workshop();
    await refused(shop, 'a', { header: { nameId: shop.locate('b').nameId } });
    await shop.store.store('c', 'of c');
    const { body } = (await shop.backend.read(objectName(shop.locate('c').token))) ?? {};
    await shop.backend.write(objectName(shop.locate('d').token), body ?? Buffer.alloc(0));
    await failure(shop.store.retrieve('d'), 'INTEGRITY');
  });

  // T-BACKEND-02
  it('[R-16] is refused in a category that is not that of its name, though its keys are genuine', async () => {
    const shop = await workshop();
    await refused(shop, 'a', { keyOf: 'tokens/a' });
    await refused(shop, 'tokens/a', { keyOf: 'a' });
  });

  // T-BACKEND-02
  it('[R-07] is refused under a key of another category than it states', async () => {
    const shop = await workshop();
    const { groupId } = shop.state.keys.category(shop.state.categories.idOf(parseStoreKey('tokens/a'))).primary;
    await refused(shop, 'tokens/a', { keyOf: 'a', header: { categoryId: groupId } });
  });

  // T-BACKEND-06
  it('[R-17] is refused in a suite that the head does not accept, or as an object of the store itself', async () => {
    const shop = await workshop();
    await refused(shop, 'a', { header: { suite: 2 } });
    await refused(shop, 'a', { header: { kind: 'system' } });
  });

  it('[R-18] is refused where it holds another name than it lies at', async () => {
    await refused(await workshop(), 'a', { body: { name: 'b' } });
  });

  it('[R-24] is refused where its origin contradicts its version or the commit before it', async () => {
    const shop = await workshop();
    const version = 1_700_000_000_000_000;
    const previousCommitId = Buffer.alloc(16, 1);
    for (const origin of [0, version - 1, version + 1]) await refused(shop, 'a', { body: { origin } });
    for (const origin of [version, version + 1]) {
      await refused(shop, 'a', { header: { previousCommitId }, body: { origin } });
    }
    for (const origin of [0, version - 1]) {
      await forge(shop, 'a', { header: { previousCommitId }, body: { origin } });
      expect((await shop.store.retrieve('a')).text()).toBe('abc');
    }
  });

  it('[R-24] is refused so as a tombstone', async () => {
    const shop = await workshop();
    const { primary } = shop.state.keys.category(shop.state.categories.idOf(parseStoreKey('a')));
    await shop.store.store('a', 'of a');
    await shop.store.delete('a');
    const name = objectName(shop.locate('a').token);
    const { body } = (await shop.backend.read(name)) ?? {};
    if (body === undefined) throw new Error('no tombstone');
    const { header } = splitRecord(body);
    const stored = numberOf((await shop.store.history('a'))[1]?.version ?? '');
    for (const [origin, code] of [
      [header.version, 'INTEGRITY'],
      [header.version + 1, 'INTEGRITY'],
      [stored, 'NOT_FOUND'],
    ] as const) {
      const forged = sealRecord(primary, header, encodeTombstoneBody({ modified: 1, origin }), randomPool());
      await shop.backend.write(name, forged);
      await failure(shop.store.retrieve('a'), code);
    }
  });

  it('[B-07] is refused where its metadata is no JSON object in UTF-8', async () => {
    const shop = await workshop();
    await forge(shop, 'a', { body: { metadata: Buffer.from('{"a":"\u00fc"}') } });
    expect((await shop.store.retrieve('a')).metadata).toEqual({ a: '\u00fc' });
    for (const bytes of ['[]', '1', 'null', '"x"', '{', '{"a":1} x', '\ufeff{}'].map((text) => Buffer.from(text))) {
      await refused(shop, 'a', { body: { metadata: bytes } });
    }
    await refused(shop, 'a', { body: { metadata: Buffer.from('{"a":"\u00fc"}', 'latin1') } });
  });

  it('[R-20] is refused in the history under the number of another version', async () => {
    const shop = await workshop();
    const versions: string[] = [];
    for (const text of ['one', 'two', 'three']) versions.push((await shop.store.store('a', text)).version);
    const { entries } = await shop.backend.list('h/');
    const [newer, older] = entries.map(({ key }) => key);
    if (newer === undefined || older === undefined) throw new Error('no history');
    const body = (await shop.backend.read(older))?.body ?? Buffer.alloc(0);
    await shop.backend.write(newer, body);
    await failure(shop.store.retrieve('a', { version: versions[1] }), 'INTEGRITY');
    await failure(shop.store.history('a'), 'INTEGRITY');
    expect((await shop.store.retrieve('a', { version: versions[0] })).text()).toBe('one');
  });

  it('[R-19] of a new version has a greater number than the one before and than the floor of the head', async () => {
    const shop = await workshop();
    const ahead = 4_000_000_000_000_000;
    await forge(shop, 'a', { header: { version: ahead } });
    expect(numberOf((await shop.store.setMetadata('a', {})).version)).toBe(ahead + 1);
    await shop.store.delete('a');
    expect(numberOf((await shop.store.store('a', 'x')).version)).toBe(ahead + 3);
    await resign(shop, { versionFloor: ahead + 1000 });
    const store = await openAt(shop.place);
    expect(numberOf((await store.store('b', 'x')).version)).toBe(ahead + 1001);
    // The first attempt takes the name for new, and the second one has a number of its own.
    expect(numberOf((await store.store('a', 'x')).version)).toBe(ahead + 1002);
    await store.purge('a');
    expect(numberOf((await store.store('a', 'x')).version)).toBe(ahead + 1004);
  });

  it('[B-05] is refused where header and body contradict each other about a blob', async () => {
    const shop = await workshop();
    const blob = { blobId: Buffer.alloc(16, 1), partSize: 65_552, sealedLength: 1000 };
    await refused(shop, 'a', { header: { blob } });
    await refused(shop, 'a', {
      body: { payload: { kind: 'blob', suite: 1, key: Buffer.alloc(32), chunkSize: 65_536 } },
    });
  });

  it('[L-03] is refused where the sealed length is not that of its payload', async () => {
    const shop = await workshop();
    const payload = { kind: 'blob', suite: 1, key: Buffer.alloc(32, 1), chunkSize: 65_536 } as const;
    const length = 100_000;
    const blob = { blobId: Buffer.alloc(16, 1), partSize: 65_552, sealedLength: 60 + length + 32 + 1 };
    await refused(shop, 'a', { header: { blob }, body: { payload, length } });
  });
});

const long = (letter: string): string => letter.repeat(300);

describe('a record that alone tells its name', () => {
  it('[T-07] is refused in listings at the token of another name', async () => {
    const shop = await workshop();
    await shop.store.store(long('a'), '1');
    expect(await shop.store.list()).toEqual([long('a')]);
    const { body } = (await shop.backend.read(objectName(shop.locate(long('a')).token))) ?? {};
    await shop.backend.write(objectName(shop.locate(long('b')).token), body ?? Buffer.alloc(0));
    await failure(shop.store.list(), 'INTEGRITY');
  });

  it('[T-07] is found by verify if it is the deletion of another name', async () => {
    const shop = await workshop();
    const [mine, others] = [long('a'), long('b')].map((key) => objectName(shop.locate(key).token));
    for (const key of [long('a'), long('b')]) {
      await shop.store.store(key, '1');
      await shop.store.delete(key);
    }
    expect((await shop.store.verify()).findings).toEqual([]);
    const { body } = (await shop.backend.read(mine ?? '')) ?? {};
    await shop.backend.write(others ?? '', body ?? Buffer.alloc(0));
    expect((await shop.store.verify()).findings).toMatchObject([{ kind: 'damaged', name: others }]);
  });

  it('[T-07] is refused in listings where its name is none', async () => {
    const shop = await workshop();
    await forge(shop, long('a'), { body: { name: `${long('a')}/` } });
    await failure(shop.store.list(), 'INTEGRITY');
  });
});

const limited = (inner: StorageBackend): StorageBackend =>
  forwardTo(inner, { declare: (capabilities) => ({ ...capabilities, maxBodyBytes: 64 * 1024 }) });

async function parts(shop: Workshop): Promise<string[]> {
  const { entries } = await shop.backend.list('b/');
  return entries.map(({ key }) => key);
}

async function bodyOf(shop: Workshop, name: string): Promise<Buffer> {
  return Buffer.from((await shop.backend.read(name))?.body ?? []);
}

describe('a blob', () => {
  const payload = patterned(200_000);

  async function withBlob(): Promise<{ shop: Workshop; names: string[] }> {
    const shop = await workshop(limited);
    await shop.store.store('big', payload);
    expect(Buffer.compare((await shop.store.retrieve('big')).data, payload)).toBe(0);
    const names = await parts(shop);
    expect(names.length).toBeGreaterThan(3);
    return { shop, names };
  }

  // T-BACKEND-03
  it('[L-06] is refused where a part is cut at a chunk, cut elsewhere, or longer', async () => {
    const { shop, names } = await withBlob();
    const [, second = ''] = names;
    const whole = await bodyOf(shop, second);
    for (const changed of [
      whole.subarray(0, whole.length / 2),
      whole.subarray(0, -1),
      Buffer.alloc(0),
      Buffer.concat([whole, Buffer.alloc(1)]),
    ]) {
      await shop.backend.write(second, changed);
      await failure(shop.store.retrieve('big'), 'INTEGRITY');
    }
  });

  it('[L-06] is refused where the last part, or any other, is missing', async () => {
    const { shop, names } = await withBlob();
    for (const name of [names.at(-1) ?? '', names[0] ?? '']) {
      const whole = await bodyOf(shop, name);
      await shop.backend.delete(name);
      await failure(shop.store.retrieve('big'), 'INTEGRITY');
      await shop.backend.write(name, whole);
    }
    expect((await shop.store.retrieve('big')).data).toHaveLength(payload.length);
  });

  it('[L-08] is refused where two parts are exchanged', async () => {
    const { shop, names } = await withBlob();
    const [, second = '', third = ''] = names;
    const [a, b] = [await bodyOf(shop, second), await bodyOf(shop, third)];
    await shop.backend.write(second, b);
    await shop.backend.write(third, a);
    await failure(shop.store.retrieve('big'), 'INTEGRITY');
  });

  it('[L-07] is refused where its header or commitment is another', async () => {
    const { shop, names } = await withBlob();
    const [first = ''] = names;
    const whole = await bodyOf(shop, first);
    for (const at of [4, 5, 8, 12, 28, 59]) {
      const changed = Buffer.from(whole);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      await shop.backend.write(first, changed);
      await failure(shop.store.retrieve('big'), 'INTEGRITY');
    }
  });
});
