import type { Fault, StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { HEAD_NAME, keyringName, pointName, policyName, SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { openOrCreateObjectStore } from '../../src/index.ts';
import { memoryAnchor } from '../support/anchors.ts';
import { attack } from '../support/attacker.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace, PLACES } from '../support/places.ts';
import { atEnd, createAt, failure, openAt, UNLOCK, usePlace } from '../support/stores.ts';

describe('creating a store', () => {
  const FAULTS: readonly Fault['type'][] = ['kill-before', 'kill-after', 'fail', 'lose-acknowledgement'];
  it.each(FAULTS)('with %s at any call leaves no store or a whole one', async (type) => {
    const probe = createFaultInjector();
    await createAt(usePlace(memoryPlace), { layers: [probe.layer] });
    for (let k = 0; k < probe.calls; k++) {
      const place = usePlace(memoryPlace);
      const injector = createFaultInjector(({ index }) => (index === k ? ({ type } as Fault) : undefined));
      const created = createAt(place, { layers: [injector.layer] }).then(
        () => 'created',
        (error: unknown) => error,
      );
      const outcome = await Promise.race([created, injector.killed.then(() => 'stopped')]);
      // Whoever comes next opens it or makes it.
      const found = await openAt(place).catch((error: unknown) => error);
      const missing = SecureStoreError.is(found, 'NOT_FOUND');
      if (outcome === 'created') expect(missing, `call ${k}`).toBe(false);
      else if (outcome !== 'stopped') expect(outcome, `call ${k}`).toMatchObject({ code: 'UNAVAILABLE' });
      const store = missing ? await createAt(place) : await openAt(place);
      await store.store('k', 'x');
    }
  });

  it('whose last acknowledgement is lost has been created', async () => {
    const place = usePlace(memoryPlace);
    const injector = createFaultInjector(({ operation, key }) =>
      operation === 'write' && key === 'store' ? { type: 'lose-acknowledgement' } : undefined,
    );
    const store = await createAt(place, { layers: [injector.layer] });
    await store.store('k', 'x');
  });
});

async function openOrCreateAt(place: Place): Promise<ObjectStore> {
  const { url } = place;
  const store = await openOrCreateObjectStore({ backend: await place.open(), url, unlock: UNLOCK });
  atEnd(() => store.close());
  return store;
}

const R = Buffer.alloc(16, 3);

describe.each(PLACES)('without a head, over %s', (_name, make) => {
  it.each([
    'o/abc',
    'h/abc./@00000000000',
    'b/abc./@104gk2oc1k70u40h289h858m2s/00000000',
    'g/abc./@104gk2oc1k70u40h289h858m2s',
    'j/writer/1',
    'w/writer/1',
    'c/1',
    'a/1',
    keyringName(2, R),
    policyName(2, R),
    keyringName(1_000_000, R),
    'k/other',
  ])('[H-09] a new store is refused where %s lies, which only a store with a head can have written', async (left) => {
    const place = usePlace(make);
    const attacker = await attack(place);
    await attacker.put(keyringName(1, R), R);
    await attacker.put(left, Buffer.from('x'));
    const before = await attacker.copy();
    expect((await failure(createAt(place), 'INTEGRITY')).message).toContain('Nothing was created');
    await failure(openOrCreateAt(place), 'INTEGRITY');
    await failure(openAt(place), 'INTEGRITY');
    expect(await attacker.copy()).toEqual(before);
  });

  it.each(['open or create', 'create'] as const)(
    'meets a store that somebody else makes and uses at the same time (%s)',
    async (call) => {
      const place = usePlace(make);
      let made = false;
      const wrap = (backend: StorageBackend): StorageBackend =>
        forwardTo(backend, {
          async list(prefix, options) {
            if (!made) {
              made = true;
              await (await createAt(place)).store('k', 'x');
            }
            return backend.list(prefix, options);
          },
        });
      if (call === 'create') {
        await failure(createAt(place, { wrap }), 'ALREADY_EXISTS');
        return;
      }
      const backend = wrap(await place.open());
      const store = await openOrCreateObjectStore({ backend, url: place.url, unlock: UNLOCK });
      atEnd(() => store.close());
      expect((await store.retrieve('k')).text()).toBe('x');
    },
  );

  it.each([['keys'], [pointName(3)], ['keys', pointName(1), 'w/run/1', 'b/00000000001-104gk2oc1k70u40h289h858m2s/@']])(
    'refuses to create a store among backups (%s), and says that they are there',
    async (...names) => {
      const place = usePlace(make);
      const attacker = await attack(place);
      for (const name of names) await attacker.put(name, Buffer.from('x'));
      const before = await attacker.copy();
      const refused = await failure(createAt(place), 'ALREADY_EXISTS');
      expect(refused.message).toContain('backups of a store are here. Nothing was created.');
      for (const opening of [openAt(place), openOrCreateAt(place)]) {
        const missing = await failure(opening, 'NOT_FOUND');
        expect(missing.message).toContain('backups of a store are here, and no store');
        expect(missing.advice).toEqual([
          { id: 'list-snapshots', destination: place.url },
          { id: 'restore-store', destination: place.url },
        ]);
      }
      expect(await attacker.copy()).toEqual(before);
    },
  );

  it('[H-09] a store that lost its head does not pass for backups', async () => {
    const place = usePlace(make);
    const attacker = await attack(place);
    for (const name of ['keys', pointName(1), 'o/abc']) await attacker.put(name, Buffer.from('x'));
    await failure(openAt(place), 'INTEGRITY');
    await failure(openOrCreateAt(place), 'INTEGRITY');
    await failure(createAt(place), 'ALREADY_EXISTS');
  });

  it('[H-09] a new store is made over what creations left that were stopped, and leaves it', async () => {
    const place = usePlace(make);
    const attacker = await attack(place);
    for (const letter of [1, 2, 0xff]) {
      const random = Buffer.alloc(16, letter);
      await attacker.put(keyringName(1, random), random);
      if (letter !== 1) await attacker.put(policyName(1, random), random);
    }
    const left = await attacker.copy();
    await failure(openAt(place), 'NOT_FOUND');
    const store = await openOrCreateAt(place);
    await store.store('k', 'x');
    const after = await attacker.copy();
    for (const [name, body] of left) expect(after.get(name)).toEqual(body);
  });

  it('[H-09] a store is refused a successor where all its objects have been purged', async () => {
    const place = usePlace(make);
    const store = await createAt(place);
    await store.store('k', 'x');
    await store.purge('k');
    await store.close();
    await (await attack(place)).remove(HEAD_NAME);
    await failure(createAt(place), 'INTEGRITY');
  });

  it('a store in which nothing was ever stored can have a successor, and comes back with its head', async () => {
    const place = usePlace(make);
    const first = await createAt(place);
    await first.close();
    const attacker = await attack(place);
    const head = await attacker.get(HEAD_NAME);
    await attacker.remove(HEAD_NAME);
    const second = await createAt(place);
    await second.close();
    expect(second.fingerprint).not.toBe(first.fingerprint);
    await attacker.put(HEAD_NAME, head);
    expect((await openAt(place)).fingerprint).toBe(first.fingerprint);
  });
});

describe('creating a store at a URL that an anchor remembers', () => {
  // T-COPY-01
  it('[S-07] is refused if that store is missing, until it is given up', async () => {
    const place = usePlace(memoryPlace);
    const anchor = memoryAnchor();
    await (await createAt(place, { anchor })).close();
    const remembered = anchor.remembered.get(place.url);
    const attacker = await attack(place);
    const disk = await attacker.copy();
    for (const name of disk.keys()) await attacker.remove(name);
    const refused = await failure(createAt(place, { anchor }), 'ROLLBACK');
    expect(refused.message).toContain('a store was here before, and is missing now. Nothing was created.');
    expect(refused.reason).toBe('missing');
    expect(refused.advice?.map(({ id }) => id)).toEqual(['check-store-url', 'restore-store', 'replace-store']);
    expect((await attacker.copy()).size).toBe(0);
    expect(anchor.remembered.get(place.url)).toEqual(remembered);
    const missing = await failure(openAt(place, { anchor }), 'ROLLBACK');
    expect(missing.advice?.map(({ id }) => id)).toEqual(['check-store-url', 'restore-store']);
    for (const [name, body] of disk) await attacker.put(name, body);
    await (await openAt(place, { anchor })).close();
    await failure(createAt(place, { anchor, acceptRollback: true }), 'ALREADY_EXISTS');
    for (const name of disk.keys()) await attacker.remove(name);
    const { fingerprint } = await createAt(place, { anchor, acceptRollback: true });
    expect(anchor.remembered.get(place.url)).toMatchObject({ fingerprint });
  });
});
