import { AREAS, historyPrefix } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import type { ObjectStore } from '@securestore/objects';
import { describe, expect, it } from 'vitest';
import { memoryAnchor } from '../../objects/test/support/anchors.ts';
import type { Attacker } from '../../objects/test/support/attacker.ts';
import { attack, flipped } from '../../objects/test/support/attacker.ts';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import type { Place } from '../../objects/test/support/places.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../../objects/test/support/stores.ts';
import { contentsOf, following, move } from './support/moves.ts';
import { once, sabotaged } from './support/saboteur.ts';
import { LONG, onlyLong } from '../../../tools/campaigns/src/size.ts';

const memoryAt = (clock: EagerClock): Place => usePlace(() => memoryPlace(() => clock.now()));
const NEW = rawKey(Buffer.alloc(32, 9));

interface Scene {
  readonly clock: EagerClock;
  readonly from: Place;
  readonly to: Place;
  /** Follows to both places, and remembers what it has seen. */
  readonly store: ObjectStore;
  readonly anchor: ReturnType<typeof memoryAnchor>;
  readonly atFrom: Attacker;
  readonly atTo: Attacker;
}

async function scene(): Promise<Scene> {
  const clock = new EagerClock();
  const [from, to] = [memoryAt(clock), memoryAt(clock)];
  const anchor = memoryAnchor();
  const store = await createAt(from, { clock, anchor, ...following(from, to) });
  return { clock, from, to, store, anchor, atFrom: await attack(from), atTo: await attack(to) };
}

/** Puts the oldest version of the only object in the place of its newest. */
async function rollBack(attacker: Attacker): Promise<void> {
  const current = await attacker.name(AREAS.objects);
  const oldest = (await attacker.names(historyPrefix(current.slice(AREAS.objects.length)))).at(-1);
  await attacker.put(current, await attacker.get(oldest ?? ''));
}

describe('whoever has the backend that a store has left', () => {
  // T-MIGRATE-02
  it('can not have a process that has followed go back there by the files of before', async () => {
    const { clock, from, to, store, anchor, atFrom } = await scene();
    await store.store('a', 'one');
    const before = await atFrom.copy();
    await move(from, to, { clock });
    await store.store('a', 'two');
    expect(store.url).toBe(to.url);
    await store.close();
    await atFrom.restore(before);
    await failure(openAt(from, { clock, anchor, ...following(from, to) }), 'ROLLBACK');
  });

  // T-MIGRATE-02
  it('can not have one use it that has been told that the store is elsewhere', async () => {
    const { clock, from, to, store, anchor, atFrom } = await scene();
    await store.close();
    const before = await atFrom.copy();
    await move(from, to, { clock });
    await failure(openAt(from, { clock, anchor }), 'LOCKED');
    await atFrom.restore(before);
    await failure(openAt(from, { clock, anchor }), 'ROLLBACK');
  });

  it('can not have one use it that was open there and did not follow', async () => {
    const { clock, from, to, atFrom } = await scene();
    const anchor = memoryAnchor();
    const stranger = await openAt(from, { clock, anchor });
    const before = await atFrom.copy();
    await move(from, to, { clock });
    await clock.sleep(6000);
    await failure(stranger.list(), 'LOCKED');
    await stranger.close();
    await atFrom.restore(before);
    await failure(openAt(from, { clock, anchor }), 'ROLLBACK');
  });

  // T-MIGRATE-09
  it('can put no older version there that a store takes for the newest when it comes back', async () => {
    const { clock, from, to, store, atFrom } = await scene();
    await store.store('a', 'one');
    await store.store('a', 'two');
    await move(from, to, { clock });
    await rollBack(atFrom);
    // Long after anybody could have written there without knowing better.
    expect(await move(to, from, { clock })).toMatchObject({ migrated: true, failures: 0 });
    expect((await (await openAt(from, { clock })).retrieve('a')).text()).toBe('two');
    expect(await contentsOf(from)).toEqual(await contentsOf(to));
  });

  // T-MIGRATE-09
  it.each([
    ['a record', AREAS.objects],
    ['an older version', AREAS.history],
  ])('keeps no store from coming back by damaging %s there', async (_, area) => {
    const { clock, from, to, store, atFrom } = await scene();
    await store.store('a', patterned(200_000, 1));
    await store.store('a', 'two');
    await move(from, to, { clock });
    const [name = ''] = await atFrom.names(area);
    await atFrom.put(name, flipped(await atFrom.get(name), 150));
    expect(await move(to, from, { clock })).toMatchObject({ migrated: true, failures: 0 });
    const there = await openAt(from, { clock });
    expect((await there.verify({ payloads: true })).findings).toEqual([]);
    expect(await contentsOf(from)).toEqual(await contentsOf(to));
  });

  // T-MIGRATE-09
  it('nor by putting what is no record in the place of one that has changed since', async () => {
    const { clock, from, to, store, atFrom } = await scene();
    await store.store('a', 'one');
    await move(from, to, { clock });
    await store.store('a', 'two');
    await atFrom.put(await atFrom.name(AREAS.objects), Buffer.alloc(200, 7));
    expect(await move(to, from, { clock })).toMatchObject({ migrated: true, failures: 0 });
    expect((await (await openAt(from, { clock })).retrieve('a')).text()).toBe('two');
    expect(await contentsOf(from)).toEqual(await contentsOf(to));
  });
});

describe('whoever has the backend that a store moves to', () => {
  // T-MIGRATE-08
  it.each([
    ['a record', AREAS.objects],
    ['an older version', AREAS.history],
  ])('damages %s while it is copied, which is put right', async (_, area) => {
    const { clock, from, to, store, atTo } = await scene();
    await store.store('a', 'one');
    await store.store('a', 'two');
    const damage = once(async () => {
      const [name] = await atTo.names(area);
      if (name === undefined) return false;
      await atTo.put(name, flipped(await atTo.get(name), 150));
      return true;
    });
    const report = await move(from, to, { clock, toLayers: [sabotaged({ beforeList: damage })] });
    expect(report).toMatchObject({ migrated: true, failures: 0 });
    expect(await contentsOf(to)).toEqual(await contentsOf(from));
    expect((await store.verify({ payloads: true })).findings).toEqual([]);
  });

  // T-MIGRATE-08
  it.runIf(LONG)(onlyLong('damages more at once than a report tells of, which is put right, too'), async () => {
    const { clock, from, to, store, atTo } = await scene();
    for (let n = 0; n < 1100; n++) await store.store(`k/${n}`, 'value');
    const damage = once(async () => {
      const names = await atTo.names(AREAS.objects);
      for (const name of names) await atTo.put(name, flipped(await atTo.get(name), 150));
      return names.length > 0;
    });
    // When everything was copied, and is listed to be compared.
    const beforeList = async (prefix: string): Promise<void> => (prefix === AREAS.objects ? damage() : undefined);
    const report = await move(from, to, { clock, toLayers: [sabotaged({ beforeList })] });
    expect(report).toMatchObject({ migrated: true, failures: 0, objects: 1100 });
    expect(report.corrected).toBeGreaterThanOrEqual(1100);
    expect(await contentsOf(to)).toEqual(await contentsOf(from));
    expect((await store.verify()).findings).toEqual([]);
  });

  // T-MIGRATE-08
  it('gets no store moved there that it goes on damaging', async () => {
    const { clock, from, to, store, atTo } = await scene();
    await store.store('a', 'one');
    const damage = async (): Promise<void> => {
      for (const name of await atTo.names(AREAS.objects)) await atTo.put(name, Buffer.alloc(200, 7));
    };
    const report = await move(from, to, { clock, toLayers: [sabotaged({ beforeList: damage })] });
    expect(report).toMatchObject({ migrated: false, failures: 1 });
    expect((await store.retrieve('a')).text()).toBe('one');
    expect(store.url).toBe(from.url);
  });
});

describe('where stores move there and back', () => {
  // T-MIGRATE-05
  it('what was remembered of both places is no reason to refuse either', async () => {
    const { clock, from, to, store, anchor } = await scene();
    for (let times = 0; times < 2; times++) {
      for (const [here, there] of [
        [from, to],
        [to, from],
      ] as const) {
        await move(here, there, { clock });
        await store.store('a', `at ${there.url}`);
        const direct = await openAt(there, { clock, anchor });
        expect((await direct.retrieve('a')).text()).toBe(`at ${there.url}`);
        await direct.close();
        const followed = await openAt(here, { clock, anchor, ...following(from, to) });
        expect(followed.url).toBe(there.url);
        await followed.close();
      }
    }
  });

  // T-MIGRATE-05
  it('also not where the other place was emptied in between, for whoever follows', async () => {
    const { clock, from, to, store, anchor, atTo } = await scene();
    await move(from, to, { clock });
    await store.store('a', 'one');
    await move(to, from, { clock });
    await store.store('a', 'two');
    await atTo.restore(new Map());
    await move(from, to, { clock });
    await store.store('a', 'three');
    expect(store.url).toBe(to.url);
    const followed = await openAt(from, { clock, anchor, ...following(from, to) });
    expect((await followed.retrieve('a')).text()).toBe('three');
  });
});

/** A store with two versions of an object, of which the older one is shown as long as that is asked for. */
async function liar() {
  const all = await scene();
  const { store, atFrom, atTo } = all;
  await store.store('a', 'one');
  await store.store('a', 'two');
  await store.checkpoint();
  const current = await atFrom.name(AREAS.objects);
  const old = await atFrom.get((await atFrom.names(historyPrefix(current.slice(AREAS.objects.length)))).at(-1) ?? '');
  const counts = { verifications: 0, truths: 0 };
  const beforeList = async (prefix: string): Promise<void> => {
    // What was sealed is listed to be compared, and then to be verified.
    if (prefix === AREAS.objects && (await atTo.names(AREAS.objects)).length > 0) counts.verifications += 1;
  };
  /** @param most how often what is right is shown to whoever verifies, before it is not again */
  const answer =
    (most: number) =>
    (name: string): Buffer | undefined => {
      if (name !== current) return undefined;
      if (counts.verifications < 2 || counts.truths >= most) return old;
      counts.truths += 1;
      return undefined;
    };
  const run = (most: number) =>
    move(all.from, all.to, {
      clock: all.clock,
      reencrypt: { unlock: NEW },
      fromLayers: [sabotaged({ answer: answer(most) })],
      toLayers: [sabotaged({ beforeList })],
    });
  return { ...all, counts, run };
}

describe('while a store is sealed anew, whoever has its backend', () => {
  // T-MIGRATE-13
  it('can not show an older version to be sealed, and the newest to whoever verifies', async () => {
    const { clock, to, counts, run } = await liar();
    expect(await run(Infinity)).toMatchObject({ migrated: true, failures: 0 });
    expect(counts.truths).toBeGreaterThan(0);
    expect((await (await openAt(to, { clock, unlock: NEW })).retrieve('a')).text()).toBe('two');
  });

  it('does not get it moved where the older one is shown again afterwards', async () => {
    const { from, store, counts, run } = await liar();
    const report = await run(1);
    expect(counts.truths).toBe(1);
    expect(report).toMatchObject({ migrated: false, failures: 1, failed: [{ code: 'ROLLBACK' }] });
    expect(store.url).toBe(from.url);
    expect((await store.retrieve('a')).text()).toBe('two');
  });

  // T-MIGRATE-13
  it('can not hide an object from what is sealed, and show it to whoever verifies', async () => {
    const { clock, from, to, store, atFrom, atTo } = await scene();
    await store.store('a', 'one');
    await store.store('b', 'two');
    await store.checkpoint();
    const [hidden = ''] = await atFrom.names(AREAS.objects);
    const body = await atFrom.get(hidden);
    await atFrom.remove(hidden);
    let lists = 0;
    const beforeList = async (prefix: string): Promise<void> => {
      if (prefix !== AREAS.objects || (await atTo.names(AREAS.objects)).length === 0) return;
      lists += 1;
      if (lists === 2) await atFrom.put(hidden, body);
    };
    const report = await move(from, to, {
      clock,
      reencrypt: { unlock: NEW },
      toLayers: [sabotaged({ beforeList })],
    });
    expect(lists).toBeGreaterThan(1);
    expect(report).toMatchObject({ migrated: true, failures: 0 });
    const anew = await openAt(to, { clock, unlock: NEW });
    expect(await anew.list()).toEqual(['a', 'b']);
  });
});
