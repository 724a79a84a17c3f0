import type { StorageBackend } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import { decodeHead, encodeHead, HEAD_NAME, joinHead, SecureStoreError } from '@securestore/core-format';
import { fingerprintBytes, randomPool, rawKey, sealSlot } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { Anchor, AnchorRecord } from '../../src/index.ts';
import { rootOf } from '../../src/head/unlock/owner-keys.ts';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';
import { resign, reviseCategories, workshop } from '../support/workshop.ts';

const random = randomPool();

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

  // T-BACKEND-13
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
    const { head } = shop.state;
    const place = { lineage: head.lineage, fingerprint: fingerprintBytes(head.identity) };
    const slots = [...head.slots];
    for (let number = 1; number < 12; number++) {
      const unlock = rawKey(Buffer.alloc(32, 100 + number));
      slots.push(await sealSlot(unlock, place, { number: head.rootNumber, key: rootOf(shop.state) }, 1, random));
    }
    await resign(shop, { slots });
    await openAt(shop.place, { unlock: rawKey(Buffer.alloc(32, 111)) });
    await failure(openAt(shop.place, { unlock: rawKey(Buffer.alloc(32, 112)) }), 'UNLOCK_FAILED');
  });

  // T-REVOKED-04
  it('[K-05] is refused with a keyring of another root', async () => {
    const shop = await workshop();
    await resign(shop, { rootNumber: 2 });
    await failure(openAt(shop.place), 'INTEGRITY');
  });

  // T-BACKEND-05
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

describe('a category map', () => {
  it.each(['a**', '**b/c', 'a/**/**/b', '/a', 'a//b', 'a/', '..', 'a\nb', 'cafe\u0301'])(
    '[C-04] is refused with the pattern %j, though it is sealed under the right key',
    async (pattern) => {
      const shop = await workshop();
      const withRule = (text: string): Promise<void> =>
        reviseCategories(shop, (map) => {
          const [{ id } = { id: Buffer.alloc(16) }] = map.categories;
          return { ...map, rules: [{ pattern: text, categoryId: id }] };
        });
      await withRule('a/**/b*');
      await openAt(shop.place);
      await withRule(pattern);
      const error = await failure(openAt(shop.place), 'INTEGRITY');
      expect(error.message).not.toContain(pattern);
    },
  );
});
