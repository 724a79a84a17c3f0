import { createFaultInjector, intercept } from '@securestore/backend-api';
import { decodeHead, HEAD_NAME } from '@securestore/core-format';
import type { Head } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { reviseHead } from '../../objects/test/support/heads.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, UNLOCK, usePlace } from '../../objects/test/support/stores.ts';
import { following, move, reached } from './support/moves.ts';
import { extensionsOf } from '@securestore/objects/internal';

interface World {
  readonly clock: EagerClock;
  readonly from: Place;
  readonly to: Place;
}

function worldOf(): World {
  const clock = new EagerClock();
  const place = (): Place => usePlace(() => memoryPlace(() => clock.now()));
  return { clock, from: place(), to: place() };
}

async function headAt(place: Place): Promise<Head> {
  const found = await (await reached(place)).read(HEAD_NAME);
  if (found === undefined) throw new Error('there is no head');
  return decodeHead(found.body).head;
}

const revised =
  (changes: Partial<Head>) =>
  (head: Head): Head => ({ ...head, ...changes, generation: head.generation + 1 });

const MIGRATION = { instance: Buffer.alloc(16, 5), resealed: false, location: Buffer.from('sealed') } as const;

describe('a store that moves', () => {
  it('[Z-01] is neither rotated nor restored meanwhile, and is when that was given up', async () => {
    const { clock, from, to } = worldOf();
    const store = await createAt(from, { clock });
    await store.store('a', 'one');
    expect(await move(from, to, { clock, copyOnly: true })).toMatchObject({ migrated: false });
    await failure(store.rotateEncryptionKey(UNLOCK, UNLOCK), 'LOCKED');
    await failure(store.members.revokeAll(), 'NOT_FOUND');
    await failure(
      extensionsOf(store).backup.whileRestoring(async () => undefined),
      'LOCKED',
    );
    await store.store('a', 'two');
    await extensionsOf(store).migration.cancel();
    await clock.sleep(6000);
    await store.rotateEncryptionKey(UNLOCK, UNLOCK);
    expect((await store.retrieve('a')).text()).toBe('two');
  });

  it('[Z-01] does not begin to while it is rotated or restored', async () => {
    const { clock, from, to } = worldOf();
    const store = await createAt(from, { clock });
    const rotation = { depth: 'keys', id: Buffer.alloc(16, 3) } as const;
    await reviseHead(from, revised({ rotation }));
    await failure(move(from, to, { clock }), 'LOCKED');
    await reviseHead(from, revised({ rotation: undefined, state: 'restoring' }));
    await failure(move(from, to, { clock }), 'LOCKED');
    expect((await (await reached(to)).list('')).entries).toEqual([]);
    await store.close();
  });

  it('[Z-02] has everybody look at its head five times a second once that is announced', async () => {
    const { clock, from } = worldOf();
    let reads = 0;
    const count = (call: { readonly operation: string; readonly key?: string | undefined }): void => {
      if (call.operation === 'read' && call.key === HEAD_NAME) reads += 1;
    };
    const injector = createFaultInjector((call) => {
      count(call);
      return undefined;
    });
    const store = await createAt(from, { clock, layers: [injector.layer] });
    await store.store('a', 'one');
    await reviseHead(from, revised({ migration: { ...MIGRATION, stage: 'announced' } }));
    await clock.sleep(5000);
    await store.retrieve('a');
    reads = 0;
    for (let n = 0; n < 20; n++) {
      await clock.sleep(100);
      await store.retrieve('a');
    }
    expect(reads).toBeGreaterThanOrEqual(9);
    reads = 0;
    await reviseHead(from, revised({ migration: undefined }));
    await clock.sleep(700);
    await store.retrieve('a');
    expect(reads).toBe(1);
  });

  it('[Z-03] answers nobody while it is closed, and is opened again by whoever waited for ten seconds', async () => {
    const { clock, from } = worldOf();
    const store = await createAt(from, { clock });
    await store.store('a', 'one');
    await reviseHead(from, revised({ state: 'closing', migration: { ...MIGRATION, stage: 'announced' } }));
    await clock.sleep(5000);
    const begun = clock.now();
    const [read, written] = await Promise.all([store.retrieve('a'), store.store('b', 'two')]);
    expect(read.text()).toBe('one');
    expect(written.key).toBe('b');
    expect(clock.now() - begun).toBeGreaterThanOrEqual(10_000);
    expect(await headAt(from)).toMatchObject({ state: 'open', migration: { stage: 'copying' } });
  });

  it('[Z-04] [Z-05] becomes a new instance with new primary keys, and what was sealed before opens', async () => {
    const { clock, from, to } = worldOf();
    const store = await createAt(from, { clock });
    await store.store('a', 'one');
    await store.checkpoint();
    const keys = await store.encryptionKeys.list();
    await store.close();
    const before = await headAt(from);
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true });
    const [left, there] = [await headAt(from), await headAt(to)];
    expect(left).toMatchObject({ state: 'moved', migration: { instance: there.instance } });
    expect(there).toMatchObject({
      state: 'open',
      lineage: before.lineage,
      identity: before.identity,
      parent: { instance: before.instance, generation: left.generation - 1 },
      generation: left.generation + 1,
      rootNumber: before.rootNumber + 1,
    });
    expect(there.migration).toBeUndefined();
    expect(there.references.checkpoint).toBeDefined();
    const moved = await openAt(to, { clock });
    const now = await moved.encryptionKeys.list();
    for (const { id } of keys) expect(now.find((key) => key.id === id)?.state).toBe('enabled');
    expect(now.filter(({ state }) => state === 'primary')).toHaveLength(keys.length);
    expect((await moved.retrieve('a')).text()).toBe('one');
    expect(await moved.verify()).toMatchObject({ findings: [], baseline: { entries: 1 } });
  });

  it('[Z-06] has not moved where the head that closed it was replaced first, whatever lies at the new place', async () => {
    const { clock, from, to } = worldOf();
    const store = await createAt(from, { clock, ...following(to) });
    await store.store('a', 'one');
    let landed = 0;
    // Somebody opens the store again just before its head would say that it has moved.
    const interfere = intercept(() => async (call, run) => {
      const isHead = call.operation === 'write' && call.key === HEAD_NAME;
      const result = await run(call.signal);
      if (isHead) {
        landed += 1;
        if (landed === 1) {
          const { migration } = await headAt(from);
          await reviseHead(
            from,
            revised({ state: 'open', migration: migration && { ...migration, stage: 'copying' } }),
          );
          await store.store('a', 'after it was opened again');
        }
      }
      return result;
    });
    const report = await move(from, to, { clock, toLayers: [interfere] });
    // It lands, lands again, and is opened.
    expect(landed).toBe(3);
    expect(report).toMatchObject({ migrated: true, failures: 0 });
    const there = await openAt(to, { clock });
    expect((await there.retrieve('a')).text()).toBe('after it was opened again');
  });

  it('[Z-07] is followed only to where that is allowed, and only if it is there', async () => {
    const { clock, from, to } = worldOf();
    const other = usePlace(() => memoryPlace(() => clock.now()));
    const [follower, elsewhere] = [
      await createAt(from, { clock, ...following(to) }),
      await openAt(from, { clock, ...following(other) }),
    ];
    await follower.store('a', 'one');
    await createAt(other, { clock });
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true });
    await clock.sleep(6000);
    await failure(elsewhere.retrieve('a'), 'LOCKED');
    expect((await follower.retrieve('a')).text()).toBe('one');
    // What lies there is another store, or an older copy of this one.
    const late = await openAt(from, { clock, ...following(to) });
    expect((await late.retrieve('a')).text()).toBe('one');
    const [there, another] = [await reached(to), await reached(other)];
    const body = (await another.read(HEAD_NAME))?.body ?? Buffer.alloc(0);
    await there.write(HEAD_NAME, body);
    await failure(openAt(from, { clock, ...following(to) }), 'ROLLBACK');
  });
});
