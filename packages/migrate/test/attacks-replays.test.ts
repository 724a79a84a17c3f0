import { AREAS, decodeHead, HEAD_NAME, SecureStoreError } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { memoryAnchor } from '../../objects/test/support/anchors.ts';
import type { Attacker } from '../../objects/test/support/attacker.ts';
import { attack } from '../../objects/test/support/attacker.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../objects/test/support/stores.ts';
import { failBackStore } from '../src/index.ts';
import { following, move } from './support/moves.ts';
import { sabotaged } from './support/saboteur.ts';

const memoryAt = (clock: EagerClock): Place => usePlace(() => memoryPlace(() => clock.now()));

async function scene() {
  const clock = new EagerClock();
  const [from, to] = [memoryAt(clock), memoryAt(clock)];
  const anchor = memoryAnchor();
  const follow = following(from, to);
  const store = await createAt(from, { clock, anchor, ...follow });
  await store.store('a', 'one');
  /** Somebody else, who has an anchor or has not. */
  const opened = (place: Place, anchored: boolean) => openAt(place, { clock, ...follow, ...(anchored && { anchor }) });
  return { clock, from, to, anchor, follow, store, opened, atFrom: await attack(from), atTo: await attack(to) };
}

/** The heads that are written at a place, by what they say of it. */
function heads(): {
  readonly seen: Map<string, Buffer>;
  readonly beforeWrite: (name: string, body: Uint8Array) => Promise<void>;
} {
  const seen = new Map<string, Buffer>();
  return {
    seen,
    async beforeWrite(name, body) {
      if (name !== HEAD_NAME) return;
      const { state, migration } = decodeHead(body).head;
      seen.set(migration === undefined || state !== 'open' ? state : migration.stage, Buffer.from(body));
    },
  };
}

const headOf = async (attacker: Attacker): Promise<Buffer> => attacker.get(HEAD_NAME);

describe('a head of before that is put back where a store was', () => {
  // T-MIGRATE-02
  it.each(['copying', 'announced', 'closing'])(
    'is a rollback to whoever knows that it has moved: %s',
    async (stage) => {
      const { clock, from, to, store, opened, atFrom } = await scene();
      const { seen, beforeWrite } = heads();
      await move(from, to, { clock, fromLayers: [sabotaged({ beforeWrite })] });
      await store.store('a', 'two');
      const old = seen.get(stage);
      expect([...seen.keys()]).toEqual(['copying', 'announced', 'closing', 'moved']);
      await atFrom.put(HEAD_NAME, old ?? Buffer.alloc(0));
      await failure(opened(from, true), 'ROLLBACK');
      // Whoever has followed looks there no more.
      await clock.sleep(6000);
      expect((await store.retrieve('a')).text()).toBe('two');
    },
  );

  // T-MIGRATE-03
  it('has a store that has come back followed by nobody to where it is no more', async () => {
    const { clock, from, to, opened, atFrom } = await scene();
    await move(from, to, { clock });
    const moved = await headOf(atFrom);
    await move(to, from, { clock });
    const here = await opened(from, true);
    await here.store('a', 'two');
    const present = await headOf(atFrom);
    await atFrom.put(HEAD_NAME, moved);
    await clock.sleep(6000);
    await failure(here.retrieve('a'), 'LOCKED');
    await failure(opened(from, true), 'ROLLBACK');
    // Its keyring is nowhere any more.
    await failure(opened(from, false), 'INTEGRITY');
    await atFrom.put(HEAD_NAME, present);
    await clock.sleep(6000);
    expect((await here.retrieve('a')).text()).toBe('two');
  });
});

describe('where a store has moved to', () => {
  it('what lay there before it went on is a rollback', async () => {
    const { clock, from, to, store, opened, atTo } = await scene();
    await move(from, to, { clock });
    await store.store('a', 'two');
    const before = await atTo.copy();
    const there = await opened(to, true);
    await there.slots.add(Buffer.alloc(32, 4));
    await store.store('a', 'three');
    await clock.sleep(6000);
    await store.list();
    await atTo.restore(before);
    await clock.sleep(6000);
    await failure(store.retrieve('a'), 'ROLLBACK');
    await failure(opened(to, true), 'ROLLBACK');
    await failure(opened(from, true), 'ROLLBACK');
  });

  // T-MIGRATE-03
  it('the head of the other place opens nothing, in neither direction', async () => {
    const { clock, from, to, opened, atFrom, atTo } = await scene();
    await move(from, to, { clock });
    await (await opened(from, true)).close();
    await (await opened(to, true)).close();
    const [left, present] = [await headOf(atFrom), await headOf(atTo)];
    await atFrom.put(HEAD_NAME, present);
    await atTo.put(HEAD_NAME, left);
    await failure(opened(from, false), 'INTEGRITY');
    await failure(opened(to, false), 'INTEGRITY');
    await failure(opened(to, true), 'ROLLBACK');
  });
});

async function attempted() {
  const all = await scene();
  const { clock, from, to, store, atTo } = all;
  const source = heads();
  const { seen, beforeWrite } = heads();
  const failing = async (name: string, body: Uint8Array): Promise<void> => {
    await source.beforeWrite(name, body);
    if (source.seen.has('moved')) throw new Error('the machine of whoever moves it has no network any more');
  };
  await expect(
    move(from, to, {
      clock,
      fromLayers: [sabotaged({ beforeWrite: failing })],
      toLayers: [sabotaged({ beforeWrite })],
    }),
  ).rejects.toThrow();
  await clock.sleep(60_000);
  await store.store('a', 'two');
  expect(store.url).toBe(from.url);
  const landing = seen.get('closing') ?? Buffer.alloc(0);
  await atTo.put(HEAD_NAME, landing);
  return { ...all, landing, bodies: await atTo.copy() };
}

describe('a head that an attempt left which came to nothing', () => {
  it('is kept and followed by nobody, and in the way of nothing', async () => {
    const { clock, from, to, store, opened } = await attempted();
    await clock.sleep(6000);
    expect((await store.retrieve('a')).text()).toBe('two');
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0 });
    await store.store('a', 'three');
    expect(store.url).toBe(to.url);
    expect((await (await opened(from, true)).retrieve('a')).text()).toBe('three');
    expect((await (await opened(to, true)).verify()).findings).toEqual([]);
  });

  // T-MIGRATE-03
  it('is opened by nobody, where it is put in the place of what has landed', async () => {
    const { clock, from, to, store, opened, atTo, landing, bodies } = await attempted();
    let landed: Buffer | undefined;
    const swap = async (name: string, body: Uint8Array): Promise<void> => {
      if (name !== HEAD_NAME || decodeHead(body).head.state !== 'moved') return;
      landed = await headOf(atTo);
      await atTo.put(HEAD_NAME, landing);
    };
    await move(from, to, { clock, fromLayers: [sabotaged({ beforeWrite: swap })] });
    // Nobody has signed it once more.
    expect(await headOf(atTo)).toEqual(landing);
    // With the keys that it names, too.
    for (const [name, body] of bodies) {
      if (name.startsWith(AREAS.keyrings) || name.startsWith(AREAS.policies)) await atTo.put(name, body);
    }
    const there = await openAt(to, { clock, ...following(from) });
    await failure(there.retrieve('a'), 'LOCKED');
    await there.close();
    expect(await headOf(atTo)).toEqual(landing);
    await atTo.put(HEAD_NAME, landed ?? Buffer.alloc(0));
    await clock.sleep(60_000);
    await store.store('a', 'three');
    expect(store.url).toBe(to.url);
    expect((await (await opened(to, true)).retrieve('a')).text()).toBe('three');
  });

  // T-MIGRATE-03
  it('is a rollback once the store has moved there', async () => {
    const { clock, from, to, store, opened, atTo, landing } = await attempted();
    await move(from, to, { clock });
    await store.store('a', 'three');
    await (await opened(from, true)).close();
    await atTo.put(HEAD_NAME, landing);
    await clock.sleep(6000);
    await failure(store.retrieve('a'), 'ROLLBACK');
    await failure(opened(from, true), 'ROLLBACK');
    await failure(opened(from, false), 'ROLLBACK');
    await failure(opened(to, true), 'ROLLBACK');
  });
});

it('a store is not taken for another one where it has moved very often', async () => {
  const clock = new EagerClock();
  const places = Array.from({ length: 20 }, () => memoryAt(clock));
  const [first, ...others] = places as [Place, ...Place[]];
  await (await createAt(first, { clock })).close();
  let here = first;
  for (const next of others) {
    await move(here, next, { clock });
    here = next;
  }
  const error = await failure(openAt(first, { clock, ...following(...places) }), 'LOCKED');
  expect(error.message).toContain(others[16]?.url);
  expect((await openAt(others[4] ?? first, { clock, ...following(...places) })).url).toBe(here.url);
});

describe('a copy of a store that has gone on elsewhere', () => {
  // T-MIGRATE-06
  it('does not come to a place that the store has left, and is followed by nobody who asks there', async () => {
    const { clock, from, to, store, opened, atFrom } = await scene();
    const copy = memoryAt(clock);
    await (await attack(copy)).restore(await atFrom.copy());
    await move(from, to, { clock });
    await store.store('a', 'two');
    const left = await headOf(atFrom);
    const error = await failure(move(copy, from, { clock }), 'ALREADY_EXISTS');
    expect(error.message).toContain('the store was migrated away from the target');
    expect(await headOf(atFrom)).toEqual(left);
    expect((await (await opened(from, true)).retrieve('a')).text()).toBe('two');
  });

  // T-MIGRATE-06
  it('nor where the place that it was at was given up as lost, and the store has moved on', async () => {
    const { clock, from, to, atFrom } = await scene();
    await move(from, to, { clock });
    const back = await openAt(from, { clock, ignoreRedirect: true });
    await failBackStore(back, async () => {
      throw new SecureStoreError('UNAVAILABLE', 'nobody answers there');
    });
    await back.close();
    const third = memoryAt(clock);
    await move(from, third, { clock });
    const left = await headOf(atFrom);
    await failure(move(to, from, { clock }), 'ALREADY_EXISTS');
    expect(await headOf(atFrom)).toEqual(left);
  });
});
