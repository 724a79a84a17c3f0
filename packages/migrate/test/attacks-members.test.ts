import type { Layer } from '@securestore/backend-api';
import { forwardTo } from '@securestore/backend-api';
import type { BlobReference, ObjectBody } from '@securestore/core-format';
import { AREAS, splitRecord, workPrefix } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import { attack } from '../../objects/test/support/attacker.ts';
import { categoryIds } from '../../objects/test/support/furnished.ts';
import type { Club, Person } from '../../objects/test/support/members.ts';
import { club } from '../../objects/test/support/members.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { openAt, patterned, usePlace } from '../../objects/test/support/stores.ts';
import type { Fake } from '../../objects/test/support/thief.ts';
import { fake, headOf, loot } from '../../objects/test/support/thief.ts';
import { contentsOf, move } from './support/moves.ts';
import { once, sabotaged } from './support/saboteur.ts';
import { LONG } from '../../../tools/campaigns/src/size.ts';
import { extensionsOf } from '@securestore/objects/internal';

const NEW = rawKey(Buffer.alloc(32, 9));

/** A store with a member who has one category, and a place to move it to. */
async function scene(): Promise<Club & { readonly ann: Person; readonly to: Place }> {
  const all = await club({ journal: true });
  const { clock, owner, join } = all;
  for (let n = 0; n < 20; n++) await owner.store(`blue/${n}`, `value ${n}`);
  await owner.store('blue/large', patterned(200_000));
  return {
    ...all,
    ann: await join('ann', { categories: ['red'] }),
    to: usePlace(() => memoryPlace(() => clock.now())),
  };
}

/** What a member writes goes out as something else, under the same commit. */
function forging(forge: (record: Buffer) => Buffer): Layer {
  const changed = (key: string, body: Uint8Array): Uint8Array =>
    key.startsWith(AREAS.objects) ? forge(Buffer.from(body)) : body;
  return (inner) =>
    forwardTo(inner, {
      write: (key, body, options) => inner.write(key, changed(key, body), options),
      batch: async (operations, options) =>
        (await inner.batch?.(
          operations.map((one) => (one.type === 'write' ? { ...one, body: changed(one.key, one.body) } : one)),
          options,
        )) ?? [],
    });
}

const SIZES: readonly (readonly [string, Pick<BlobReference, 'partSize' | 'sealedLength'>, number])[] = [
  ['parts of nothing', { partSize: 0, sealedLength: Number.MAX_SAFE_INTEGER }, 1_000_000],
  ['no parts at all', { partSize: 0, sealedLength: 0 }, 0],
  ['more parts than can be counted', { partSize: 1, sealedLength: Number.MAX_SAFE_INTEGER }, Number.MAX_SAFE_INTEGER],
  ['parts that fill the memory', { partSize: 1, sealedLength: 4_000_000_000 }, 4_000_000_000],
  ['parts as large as can be', { partSize: 0xff_ff_ff_ff, sealedLength: Number.MAX_SAFE_INTEGER }, 70_000],
];

const WAYS = [
  ['as it is', {}],
  ['sealed anew', { reencrypt: { unlock: NEW } }],
] as const;

/** How a store moves with one of {@link SIZES}: in a short run one of both ways. */
const waysOf = (size: string): readonly (typeof WAYS)[number][] =>
  WAYS.filter((_, at) => LONG || SIZES.findIndex(([name]) => name === size) % 2 === at);

describe('a member who seals a payload of impossible sizes', () => {
  describe.each(SIZES)('%s', (name, sizes, length) => {
    // T-MIGRATE-12
    it.each(waysOf(name))('keeps nothing else from moving %s', async (_, how) => {
      const { clock, place, to, attacker, enter, ann } = await scene();
      const bodies = await attacker.copy();
      const [spoils, ids] = [await loot(bodies, ann.unlock), await categoryIds({ attacker, place })];
      const payload: ObjectBody['payload'] = { kind: 'blob', suite: 1, chunkSize: 65_536, key: Buffer.alloc(32, 3) };
      const forge = (record: Buffer): Buffer => {
        const { commitId, version, previousCommitId } = splitRecord(record).header;
        const blob: BlobReference = { blobId: Buffer.alloc(16, 4), ...sizes };
        const forgery: Fake = {
          category: ids.red,
          under: ids.red,
          header: { commitId, version, previousCommitId, blob },
          body: { payload, length },
        };
        return fake(bodies, spoils, 'red/bomb', forgery).record;
      };
      const member = await enter(ann, [forging(forge)]);
      // When everything else has been copied and compared.
      const bomb = once(async () => {
        const { state, migration } = headOf(await attacker.copy());
        if (state !== 'open' || migration?.stage !== 'announced') return false;
        await member.store('red/bomb', 'x');
        return true;
      });
      const first = move(place, to, { clock, fromLayers: [sabotaged({ beforeRead: bomb })], ...how });
      await first.catch((error: unknown) => expect(error).toMatchObject({ code: 'INTEGRITY' }));
      expect(await move(place, to, { clock, partial: true, ...how })).toMatchObject({ migrated: true });
      const there = await openAt(to, { clock, ...('reencrypt' in how ? { unlock: NEW } : {}) });
      expect((await there.retrieve('blue/7')).text()).toBe('value 7');
      expect((await there.retrieve('blue/large')).data).toEqual(new Uint8Array(patterned(200_000)));
    });
  });
});

describe('a member who takes away or replaces what a migration remembers', () => {
  // T-MIGRATE-12
  it.each([
    ['removed', undefined],
    ['replaced by junk', Buffer.alloc(200, 7)],
    ['emptied', Buffer.alloc(0)],
  ])('delays it, and loses nothing: %s at any call', async (_, junk) => {
    for (let at = 10; at < 120; at += LONG ? 20 : 60) {
      const { clock, place, to, attacker, owner } = await scene();
      let calls = 0;
      const spoil = once(async () => {
        calls += 1;
        if (calls < at) return false;
        const names = [...(await attacker.names(workPrefix('consumer'))), ...(await attacker.names(workPrefix('job')))];
        for (const name of names) await (junk === undefined ? attacker.remove(name) : attacker.put(name, junk));
        return names.length > 0;
      });
      const layers = [sabotaged({ beforeList: spoil, beforeWrite: spoil })];
      let n = 0;
      const write = async (): Promise<void> => {
        n += 1;
        await owner.store(`blue/${n % 20}`, `later ${n}`);
      };
      const first = move(place, to, { clock, fromLayers: layers }).catch(() => undefined);
      for (let times = 0; times < 15; times++) {
        await write().catch(() => undefined);
        await clock.sleep(300);
      }
      const moved = (await first)?.migrated === true;
      // Nobody goes on with what somebody else may still be at.
      await clock.sleep(3_600_000);
      if (!moved) {
        await write();
        expect(await move(place, to, { clock }), `${at}`).toMatchObject({ migrated: true, failures: 0 });
      }
      const there = await openAt(to, { clock });
      const old = await openAt(place, { clock, ignoreRedirect: true });
      const hidden = await attack(to);
      for (const name of await old.list()) {
        expect((await there.retrieve(name)).data, `${at}: ${name}`).toEqual((await old.retrieve(name)).data);
      }
      expect((await hidden.names(AREAS.objects)).length).toBe((await attacker.names(AREAS.objects)).length);
    }
  });
});

describe('a member who says that the way back has been read', () => {
  it.each([
    ['to its end', true],
    ['never, so that it is forgotten', false],
  ])('%s, hides no change from a store that comes back', async (_, isForged) => {
    const { clock, place, to, owner, attacker } = await scene();
    await owner.store('blue/1', 'before');
    await owner.close();
    await move(place, to, { clock });
    const { instance } = headOf(await attacker.copy());
    const there = await openAt(to, { clock });
    await there.store('blue/1', 'after!');
    await there.store('blue/new', 'new');
    await there.delete('blue/2');
    await there.purge('blue/3');
    const label = `migration/${Buffer.from(instance).toString('hex')}`;
    if (isForged) {
      // Whoever has the journal key can seal the same.
      const consumer = await extensionsOf(there).migration.open(label, () => undefined);
      while ((await consumer.poll()).more);
      await consumer.commit();
    } else {
      const atTo = await attack(to);
      for (const name of await atTo.names(workPrefix('consumer'))) await atTo.remove(name);
    }
    await there.close();
    expect(await move(to, place, { clock })).toMatchObject({ migrated: true, failures: 0 });
    const back = await openAt(place, { clock });
    expect((await back.retrieve('blue/1')).text()).toBe('after!');
    expect((await back.retrieve('blue/new')).text()).toBe('new');
    expect(await back.has('blue/2')).toBe(false);
    expect(await back.has('blue/3')).toBe(false);
    expect((await back.verify({ payloads: true })).findings).toEqual([]);
    expect(await contentsOf(place)).toEqual(await contentsOf(to));
  });

  // T-MIGRATE-12
  it('leaves no older version under keys that were destroyed since the store has left', async () => {
    const { clock, place, to, owner, attacker } = await scene();
    for (const text of ['one', 'two', 'three']) await owner.store('blue/1', text);
    await owner.close();
    clock.advance(100_000);
    await move(place, to, { clock });
    clock.advance(100_000);
    const there = await openAt(to, { clock });
    const secret = Buffer.alloc(32, 7);
    expect(await there.rotateEncryptionKey(secret, secret)).toMatchObject({ failed: 0 });
    const label = `migration/${Buffer.from(headOf(await attacker.copy()).instance).toString('hex')}`;
    const consumer = await extensionsOf(there).migration.open(label, () => undefined);
    while ((await consumer.poll()).more);
    await consumer.commit();
    for (const { id, kind, state } of await there.encryptionKeys.list()) {
      if (kind === 'category' && state === 'disabled') await there.encryptionKeys.destroy(id, { waitingPeriod: 0 });
    }
    const history = await there.history('blue/1');
    expect(history).toHaveLength(4);
    await there.close();
    expect(await move(to, place, { clock })).toMatchObject({ migrated: true, failures: 0 });
    expect(await contentsOf(place)).toEqual(await contentsOf(to));
    const back = await openAt(place, { clock });
    for (const { version } of history)
      expect((await back.retrieve('blue/1', { version })).data.length).toBeGreaterThan(2);
  });
});
