import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import type { Head, ObjectBody, RecordHeader } from '@securestore/core-format';
import {
  decodeHead,
  encodeHead,
  encodeObjectBody,
  HEAD_NAME,
  joinHead,
  noId,
  objectName,
  parseStoreKey,
  SecureStoreError,
} from '@securestore/core-format';
import { fingerprintBytes, NameCipher, randomPool, rawKey, sealRecord, sealSlot, signAs } from '@securestore/crypto';
import type { LocatedName } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { Anchor, AnchorRecord, ObjectStore } from '../src/index.ts';
import type { StoreState } from '../src/state.ts';
import { HEAD_USE, loadState, readHead, unlockRoot } from '../src/state.ts';
import { FakeClock } from './support/clock.ts';
import type { Place } from './support/places.ts';
import { memoryPlace } from './support/places.ts';
import { createAt, failure, openAt, patterned, UNLOCK, usePlace } from './support/stores.ts';

// What a reader checks of records, blobs, head and keyring beyond what the codecs and the cryptography check: each test
// lays something at the backend that somebody with some of the keys, or none, could lay there.

const SEALED_UNDER = { tokens: ['tokens/**'] };

interface Workshop {
  readonly store: ObjectStore;
  readonly backend: StorageBackend;
  readonly state: StoreState;
  readonly place: Place;
  readonly locate: (key: string) => LocatedName;
}

/** A store, and everything that is needed to forge objects of it. */
async function workshop(wrap?: (backend: StorageBackend) => StorageBackend): Promise<Workshop> {
  const place = usePlace(() => memoryPlace());
  const store = await createAt(place, { categories: SEALED_UNDER, ...(wrap === undefined ? {} : { wrap }) });
  const backend = await place.open();
  const read = await readHead(backend);
  if (read === undefined) throw new Error('no head');
  const state = await loadState(backend, read.head, await unlockRoot(read.head, UNLOCK));
  const names = new NameCipher(state.keys.names, 'encrypted', read.head.lineage);
  return { store, backend, state, place, locate: (key) => names.locate(parseStoreKey(key)) };
}

const random = randomPool();

interface Forgery {
  readonly header?: Partial<RecordHeader>;
  readonly body?: Partial<ObjectBody>;
  /** A name whose category's key seals it. */
  readonly keyOf?: string;
}

/** A record at the name `key`, sealed under a genuine key. */
async function forge(shop: Workshop, key: string, { header, body, keyOf = key }: Forgery): Promise<void> {
  const { state, locate, backend } = shop;
  const { token, nameId } = locate(key);
  const { primary } = state.keys.category(state.categories.idOf(parseStoreKey(keyOf)));
  const fields: RecordHeader = {
    suite: primary.suite,
    kind: 'object',
    lineage: state.head.lineage,
    nameId,
    categoryId: primary.groupId,
    version: 1_700_000_000_000_000,
    commitId: random(16),
    previousCommitId: noId(),
    generation: 1,
    ...header,
  };
  const inside: ObjectBody = {
    name: key,
    created: 1,
    modified: 1,
    expires: 0,
    length: 3,
    digest: Buffer.alloc(32),
    metadata: Buffer.alloc(0),
    payload: { kind: 'inline', data: Buffer.from('abc') },
    ...body,
  };
  await backend.write(objectName(token), sealRecord(primary, fields, encodeObjectBody(inside), random));
}

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

  it('[R-16] is refused in a category that is not that of its name, though its keys are genuine', async () => {
    const shop = await workshop();
    await refused(shop, 'a', { keyOf: 'tokens/a' });
    await refused(shop, 'tokens/a', { keyOf: 'a' });
  });

  it('[R-07] is refused under a key of another category than it states', async () => {
    const shop = await workshop();
    const { groupId } = shop.state.keys.category(shop.state.categories.idOf(parseStoreKey('tokens/a'))).primary;
    await refused(shop, 'tokens/a', { keyOf: 'a', header: { categoryId: groupId } });
  });

  it('[R-17] is refused in a suite that the head does not accept, or as an object of the store itself', async () => {
    const shop = await workshop();
    await refused(shop, 'a', { header: { suite: 2 } });
    await refused(shop, 'a', { header: { kind: 'system' } });
  });

  it('[R-18] is refused where it holds another name than it lies at', async () => {
    await refused(await workshop(), 'a', { body: { name: 'b' } });
  });

  it('[B-05] is refused where header and body contradict each other about a blob', async () => {
    const shop = await workshop();
    const blob = { blobId: Buffer.alloc(16, 1), partSize: 65_552, sealedLength: 1000 };
    await refused(shop, 'a', { header: { blob } });
    await refused(shop, 'a', { body: { payload: { kind: 'blob', key: Buffer.alloc(32), chunkSize: 65_536 } } });
  });

  it('[L-03] is refused where the sealed length is not that of its payload', async () => {
    const shop = await workshop();
    const payload = { kind: 'blob', key: Buffer.alloc(32, 1), chunkSize: 65_536 } as const;
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

const resign = async ({ backend, state }: Workshop, changes: Partial<Head>): Promise<void> => {
  const signed = encodeHead({ ...state.head, ...changes });
  await backend.write(HEAD_NAME, joinHead(signed, signAs(state.keys.identity, HEAD_USE, signed)));
};

describe('a head', () => {
  it('[H-07] is refused with any byte flipped', async () => {
    const { backend, place } = await workshop();
    const whole = Buffer.from((await backend.read(HEAD_NAME))?.body ?? []);
    for (let at = 0; at < whole.length; at += 3) {
      const changed = Buffer.from(whole);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      await backend.write(HEAD_NAME, changed);
      const error: unknown = await openAt(place).catch((thrown: unknown) => thrown);
      expect(error, `byte ${at}`).toMatchObject({ code: expect.stringMatching(/^(INTEGRITY|FORMAT_VERSION)$/) });
    }
    await backend.write(HEAD_NAME, whole);
    await openAt(place);
  });

  it('[H-08] is refused where it is not the pinned one, before a secret is asked for', async () => {
    const { place, store } = await workshop();
    await openAt(place, { fingerprint: store.fingerprint });
    const asked: string[] = [];
    const unlock = rawKey(() => {
      asked.push('secret');
      return Buffer.alloc(32, 7);
    });
    await failure(openAt(place, { fingerprint: '0'.repeat(52), unlock }), 'INTEGRITY');
    expect(asked).toEqual([]);
  });

  it('[S-05] opens by any of its slots, however many there are', async () => {
    const shop = await workshop();
    const { head, root } = shop.state;
    const place = { lineage: head.lineage, fingerprint: fingerprintBytes(head.identity) };
    const slots = [...head.slots];
    for (let number = 1; number < 12; number++) {
      const unlock = rawKey(Buffer.alloc(32, 100 + number));
      slots.push(await sealSlot(unlock, place, { number: head.rootNumber, key: root }, 1, random));
    }
    await resign(shop, { slots });
    await openAt(shop.place, { unlock: rawKey(Buffer.alloc(32, 111)) });
    await failure(openAt(shop.place, { unlock: rawKey(Buffer.alloc(32, 112)) }), 'UNLOCK_FAILED');
  });

  it('[K-05] is refused with a keyring of another root', async () => {
    const shop = await workshop();
    await resign(shop, { rootNumber: 2 });
    await failure(openAt(shop.place), 'INTEGRITY');
  });

  it('[Y-04] is refused where an object that it names is missing or another', async () => {
    for (const kind of ['keyring', 'categoryMap'] as const) {
      const { backend, place, state } = await workshop();
      const { name = '' } = state.head.references[kind] ?? {};
      const whole = Buffer.from((await backend.read(name))?.body ?? []);
      await backend.write(name, Buffer.concat([whole, Buffer.alloc(1)]));
      await failure(openAt(place), 'INTEGRITY');
      await backend.delete(name);
      await failure(openAt(place), 'INTEGRITY');
    }
  });

  it('is written as it is read', async () => {
    const { backend } = await workshop();
    const whole = Buffer.from((await backend.read(HEAD_NAME))?.body ?? []);
    const { head, signature } = decodeHead(whole);
    expect(joinHead(encodeHead(head), signature)).toEqual(whole);
  });
});

const anchored = (record: AnchorRecord): Anchor => ({
  read: () => Promise.resolve(record),
  write: () => Promise.resolve(),
});

describe('freshness', () => {
  it('[F-01] releases nothing when the head has not been confirmed for five seconds', async () => {
    const clock = new FakeClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    let reachable = true;
    const wrap = (inner: StorageBackend): StorageBackend =>
      forwardTo(inner, {
        read: async (key, options) => {
          if (!reachable && key === HEAD_NAME) throw new SecureStoreError('UNAVAILABLE', 'the head is away');
          return inner.read(key, options);
        },
      });
    const store = await createAt(place, { clock, wrap });
    await store.store('a', 'x');
    reachable = false;
    clock.advance(4900);
    expect((await store.retrieve('a')).text()).toBe('x');
    clock.advance(200);
    await failure(store.retrieve('a'), 'UNAVAILABLE');
    reachable = true;
    expect((await store.retrieve('a')).text()).toBe('x');
  });

  it('[F-02] refuses a head that is older than one seen before', async () => {
    const clock = new FakeClock();
    const shop = await workshop();
    const before = Buffer.from((await shop.backend.read(HEAD_NAME))?.body ?? []);
    await resign(shop, { generation: 2 });
    const store = await openAt(shop.place, { clock });
    await shop.backend.write(HEAD_NAME, before);
    clock.advance(6000);
    await failure(store.has('a'), 'ROLLBACK');
  });

  it('[F-02] refuses another head of the generation seen before: the store went back and was changed again', async () => {
    const clock = new FakeClock();
    const shop = await workshop();
    const store = await openAt(shop.place, { clock });
    await resign(shop, { history: { versions: 1, days: 1 } });
    clock.advance(6000);
    await failure(store.has('a'), 'ROLLBACK');
  });

  it('[F-03] refuses a head that is older than the anchor remembers, or of another store', async () => {
    const shop = await workshop();
    const { head } = shop.state;
    const genuine: AnchorRecord = {
      instance: Buffer.from(head.instance).toString('hex'),
      generation: head.generation,
      fingerprint: shop.store.fingerprint,
    };
    await openAt(shop.place, { anchor: anchored(genuine) });
    for (const change of [{ generation: 2 }, { fingerprint: '0'.repeat(52) }, { instance: '00'.repeat(16) }]) {
      await failure(openAt(shop.place, { anchor: anchored({ ...genuine, ...change }) }), 'ROLLBACK');
    }
  });
});
