import { decodeHead, HEAD_NAME, objectName, splitRecord } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { EagerClock } from '../support/eager-clock.ts';
import { memoryPlace, PLACES } from '../support/places.ts';
import { createAt, failure, openAt, patterned, readRange, UNLOCK, usePlace } from '../support/stores.ts';
import { reviseKeyring, workshop } from '../support/workshop.ts';

const LARGE = patterned(200_000);
const OTHER = rawKey(Buffer.alloc(32, 8));

describe.each(PLACES)('a store of suite 2 on %s', (_name, make) => {
  it('keeps objects, large and small, their histories and deletions', async () => {
    const place = usePlace(make);
    const made = await createAt(place, { suite: 2, categories: { prod: ['prod/**'] } });
    const first = await made.store('prod/a', 'one', { metadata: { n: 1 } });
    await made.store('prod/a', 'two');
    await made.store('large', LARGE);
    await made.store('gone', 'x');
    await made.delete('gone');
    await made.close();
    const store = await openAt(place);
    expect((await store.retrieve('prod/a')).text()).toBe('two');
    expect((await store.retrieve('prod/a', { version: first.version })).text()).toBe('one');
    expect(await readRange(store, 'large', { start: 65_000, end: 140_000 })).toEqual(LARGE.subarray(65_000, 140_000));
    expect(await store.list()).toEqual(['large', 'prod/a']);
    await store.undelete('gone');
    expect((await store.retrieve('gone')).text()).toBe('x');
  });
});

describe('a store of suite 2', () => {
  it('seals nothing under another suite', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { suite: 2, journal: true, clock });
    await store.store('large', LARGE);
    await store.checkpoint();
    const backend = await place.open();
    const bodies = await Promise.all(
      (await backend.list('')).entries.map(async ({ key }) => [key, (await backend.read(key))?.body] as const),
    );
    const sealed = bodies.filter(([key]) => key !== HEAD_NAME && !/^b\/.*\/0*[1-9a-f]/.test(key));
    expect(sealed.length).toBeGreaterThan(4);
    // Magic, format version, suite: so begin records, blobs and the store's own objects.
    for (const [key, body] of sealed) expect(body?.[5], key).toBe(2);
    await backend.close();
  });

  it('is rotated to every depth, verified and collected', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { suite: 2, clock });
    await store.store('a', 'one');
    await store.store('large', LARGE);
    for (const depth of ['unlock', 'keys', 'data'] as const) {
      const [before, after] = depth === 'keys' ? [OTHER, UNLOCK] : [UNLOCK, OTHER];
      expect(await store.rotateEncryptionKey(before, after, { depth })).toMatchObject({ failed: 0 });
    }
    expect((await store.encryptionKeys.list()).length).toBeGreaterThan(2);
    expect((await store.retrieve('a')).text()).toBe('one');
    expect(await readRange(store, 'large')).toEqual(LARGE);
    expect(await store.verify({ payloads: true })).toMatchObject({ findings: [] });
    await store.gc();
  });

  it('accepts nothing that was sealed under suite 1, nor a keyring that would seal so', async () => {
    const first = await workshop();
    await first.store.store('k', 'one');
    const place = usePlace(() => memoryPlace());
    const store = await createAt(place, { suite: 2 });
    await store.store('k', 'two');
    const backend = await place.open();
    const foreign = await first.backend.read(objectName(first.locate('k').token));
    const [own = ''] = (await backend.list('o/')).entries.map(({ key }) => key);
    const record = splitRecord((await backend.read(own))?.body ?? Buffer.alloc(0));
    expect(record.header.suite).toBe(2);
    await backend.write(own, foreign?.body ?? Buffer.alloc(0));
    await failure(store.retrieve('k'), 'INTEGRITY');
    // The byte of the suite alone.
    const changed = Buffer.concat([record.headerBytes, Buffer.alloc(88), record.sealedBody]);
    changed.writeUInt8(1, 5);
    await backend.write(own, changed);
    expect((await failure(store.retrieve('k'), 'INTEGRITY')).message).toContain('suite');
    expect(decodeHead((await backend.read(HEAD_NAME))?.body ?? Buffer.alloc(0)).head.suites).toEqual([2]);
  });

  it('[K-09] is refused where its keyring has a key of a suite that its head does not accept', async () => {
    const shop = await workshop();
    await reviseKeyring(shop, (keyring) => ({
      ...keyring,
      groups: keyring.groups.map((group) => ({
        ...group,
        versions: group.versions.map((version) => ({ ...version, suite: 2 })),
      })),
    }));
    expect((await failure(openAt(shop.place), 'INTEGRITY')).message).toContain('suite');
  });

  it.each([0, 3, '2', null, {}])('is not made of the suite %j', async (suite) => {
    const place = usePlace(() => memoryPlace());
    await failure(createAt(place, { suite: suite as 2 }), 'INVALID_ARGUMENT');
    expect((await (await place.open()).list('')).entries).toEqual([]);
  });
});
