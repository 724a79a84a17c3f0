import { createCallCounter, createFaultInjector, forwardTo } from '@securestore/backend-api';
import type { Fault, StorageBackend } from '@securestore/backend-api';
import { AREAS, encodeHint, hintName, ID_LENGTH, splitRecord } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { commitHead } from '../../src/engine/commit-head.ts';
import { HINT_COVERS_FOR, STREAM_USED_FOR } from '../../src/engine/journal-limits.ts';
import type { ObjectStore } from '../../src/index.ts';
import { writeSystemObject } from '../../src/engine/sealed-objects.ts';
import { attack } from '../support/attacker.ts';
import { hintsAt, namesUnder, worldOf, writersAt } from '../support/journals.ts';
import { withoutBatch } from '../support/places.ts';
import { createAt, failure } from '../support/stores.ts';

const hex = (id: Uint8Array): string => Buffer.from(id).toString('hex');

/** The commit ids of all records, the current ones and those of the history. */
async function commits(engine: Engine): Promise<string[]> {
  const names = [...(await namesUnder(engine, AREAS.objects)), ...(await namesUnder(engine, AREAS.history))];
  return Promise.all(
    names.map(async (name) =>
      hex(splitRecord((await engine.backend.read(name))?.body ?? Buffer.alloc(0)).header.commitId),
    ),
  );
}

async function announced(engine: Engine): Promise<string[]> {
  return (await hintsAt(engine)).flatMap(({ entries }) => entries.map(({ commitId }) => hex(commitId)));
}

const MUTATIONS: readonly (readonly [string, (store: ObjectStore) => Promise<unknown>])[] = [
  ['store', (store) => store.store('k', 'new')],
  ['setMetadata', (store) => store.setMetadata('k', { n: 1 })],
  ['delete', (store) => store.delete('k')],
  ['purge', (store) => store.purge('k')],
  ['restoreVersion', async (store) => store.restoreVersion('k', (await store.history('k')).at(-1)?.version ?? '')],
];

describe('the journal', () => {
  it('is off unless it is asked for, and costs nothing then', async () => {
    const world = await worldOf({ journal: false });
    const { store, engine } = await world.start();
    await store.store('k', 'x');
    expect(await namesUnder(engine, AREAS.journal)).toEqual([]);
    expect(await writersAt(engine)).toEqual([]);
  });

  it('must be switched on by true or false', async () => {
    const { place } = await worldOf();
    const journal = 'yes' as unknown as boolean;
    await failure(createAt(place, { journal }), 'INVALID_ARGUMENT');
  });

  it.each(MUTATIONS)('[J-06] names %s before it takes effect', async (name, act) => {
    const world = await worldOf();
    const counter = createCallCounter();
    const { store, engine } = await world.start({ layers: [counter.layer], wrap: withoutBatch });
    await store.store('k', 'one');
    await store.store('k', 'two');
    counter.reset();
    await act(store);
    const writes = counter.calls.filter(({ operation }) => operation === 'write').map(({ key }) => key?.slice(0, 2));
    const effect = writes.lastIndexOf('o/');
    expect(writes.slice(0, effect).filter((area) => area === 'j/')).toHaveLength(1);
    expect(writes.indexOf('j/')).toBe(0);
    // A purge is announced once more when what it buries is deleted.
    expect(writes.slice(effect + 1)).toEqual(name === 'purge' ? ['j/'] : []);
    expect(await announced(engine)).toEqual(expect.arrayContaining(await commits(engine)));
  });

  it.each(MUTATIONS)('that can not be written keeps %s from taking effect', async (_name, act) => {
    const world = await worldOf();
    const injector = createFaultInjector();
    const { store, engine } = await world.start({ layers: [injector.layer] });
    await store.store('k', 'one');
    await store.store('k', 'two');
    const before = await commits(engine);
    injector.plan(({ key }) => (key?.startsWith('j/') === true ? { type: 'fail' } : undefined));
    const error = await failure(act(store), 'UNAVAILABLE');
    expect(error.outcome).toBeUndefined();
    expect(error.message).toContain('journal');
    injector.plan(undefined);
    expect(await commits(engine)).toEqual(before);
    await act(store);
    expect(await announced(engine)).toEqual(expect.arrayContaining(await commits(engine)));
  });

  it('[J-07] is one request for all that waits, in dense numbers after one registration', async () => {
    const world = await worldOf();
    const counter = createCallCounter();
    const { store, engine } = await world.start({ layers: [counter.layer] });
    await Promise.all(Array.from({ length: 30 }, (_, n) => store.store(`k${n}`, 'x')));
    const hints = counter.calls.filter(({ operation, key }) => operation === 'write' && key?.startsWith('j/'));
    expect(hints).toHaveLength(2);
    await store.store('again', 'x');
    const [writer] = await writersAt(engine);
    const prefix = `${AREAS.journal}${writer?.split('/').at(-1)}`;
    expect(await namesUnder(engine, AREAS.journal)).toEqual(
      [0, 1, 2].map((n) => hintName(Buffer.alloc(ID_LENGTH), n).replace(/^j\/[^/]*/, prefix)),
    );
    expect((await announced(engine)).toSorted()).toEqual((await commits(engine)).toSorted());
  });

  it('cuts what waits into hints that a reader takes', async () => {
    const world = await worldOf();
    const { store, engine } = await world.start();
    const long = Array.from({ length: 120 }, (_, n) => `${'long/'.repeat(30)}${n}`);
    await Promise.all(long.map((key) => store.store(key, 'x')));
    expect((await hintsAt(engine)).length).toBeGreaterThan(2);
    expect((await announced(engine)).toSorted()).toEqual((await commits(engine)).toSorted());
  });

  it('ends with the process that writes it, and only then', async () => {
    const world = await worldOf();
    const first = await world.start();
    const { engine } = await world.start();
    await first.store.store('k', 'x');
    expect((await hintsAt(engine)).map(({ kind }) => kind)).toEqual(['hint']);
    await first.store.close();
    expect((await hintsAt(engine)).map(({ kind }) => kind)).toEqual(['hint', 'close']);
    await (await world.start()).store.close();
    expect(await hintsAt(engine)).toHaveLength(2);
  });

  it('does not acknowledge in a store that began to close while a change was announced late', async () => {
    const world = await worldOf({ journal: false });
    const { clock } = world;
    const { engine } = await world.start();
    const close = async (): Promise<void> => {
      await commitHead(engine, {}, async () => ({ head: { state: 'restoring' } }));
      clock.advance(6000);
    };
    let closing: Promise<void> | undefined;
    const wrap = (inner: StorageBackend): StorageBackend =>
      forwardTo(inner, {
        async write(key, body, options) {
          if (key.startsWith(AREAS.journal)) await (closing ??= close());
          return inner.write(key, body, options);
        },
      });
    const { store } = await world.start({ wrap });
    await commitHead(engine, {}, async () => ({ head: { journal: 'on' } }));
    clock.advance(6000);
    const error = await failure(store.store('k', 'x'), 'LOCKED');
    expect(error.outcome).toBe('unknown');
  });
});

const FAULTS: readonly Fault['type'][] = ['kill-before', 'kill-after', 'fail', 'lose-acknowledgement'];

describe('a fault while the journal is written', () => {
  it.each(FAULTS)('never leaves a commit that was not announced: %s at every call', async (type) => {
    const disturb = async (k: number): Promise<{ calls: number; engine: Engine }> => {
      const world = await worldOf();
      const injector = createFaultInjector();
      const { store } = await world.start({ layers: [injector.layer], wrap: withoutBatch });
      const start = injector.calls;
      injector.plan(({ index }) => (index === start + k ? ({ type } as Fault) : undefined));
      const work = Promise.allSettled(['a', 'a', 'b'].map((key) => store.store(key, 'x')));
      await Promise.race([work, injector.killed]);
      return { calls: injector.calls - start, engine: (await world.start()).engine };
    };
    const { calls } = await disturb(-1);
    expect(calls).toBeGreaterThan(5);
    for (let k = 0; k < calls; k++) {
      const { engine } = await disturb(k);
      expect(await announced(engine), `call ${k}`).toEqual(expect.arrayContaining(await commits(engine)));
    }
  });

  it('[J-07] whose acknowledgement is lost leaves no gap', async () => {
    const world = await worldOf();
    const injector = createFaultInjector();
    const { store, engine } = await world.start({ layers: [injector.layer] });
    let lose = true;
    injector.plan(({ operation, key }) => {
      if (operation !== 'write' || key?.startsWith('j/') !== true) return undefined;
      lose = !lose;
      return lose ? undefined : { type: 'lose-acknowledgement' };
    });
    for (let n = 0; n < 4; n++) await store.store('k', `${n}`);
    expect(await hintsAt(engine)).toHaveLength(4);
    expect(await writersAt(engine)).toHaveLength(1);
  });

  it('[J-07] that is known to have been written only later leaves no gap and nothing out', async () => {
    const world = await worldOf();
    const injector = createFaultInjector();
    const { store, engine } = await world.start({ layers: [injector.layer] });
    injector.plan(({ operation, key }) => {
      if (key?.startsWith('j/') !== true) return undefined;
      return operation === 'write' ? { type: 'lose-acknowledgement' } : { type: 'fail' };
    });
    await failure(store.store('k', 'lost'), 'UNAVAILABLE');
    injector.plan(undefined);
    await store.store('k', 'x');
    expect((await hintsAt(engine)).map(({ entries }) => entries.length)).toEqual([1, 1]);
    expect(await announced(engine)).toEqual(expect.arrayContaining(await commits(engine)));
    expect(await writersAt(engine)).toHaveLength(1);
  });
});

describe('a stream that somebody else has ended', () => {
  it.each(['closed', 'overwritten by garbage'])('[J-08] is left for a new one: %s', async (how) => {
    const world = await worldOf();
    const first = await world.start();
    await first.store.store('k', 'one');
    const [name = ''] = await namesUnder(first.engine, AREAS.journal);
    const next = name.replace(/0$/, '1');
    const attacker = await attack(world.place);
    if (how === 'closed') {
      const close = encodeHint({ kind: 'close', generation: 1, entries: [] });
      await writeSystemObject(first.engine, 'hint', next, close, { ifAbsent: true });
    } else await attacker.put(next, Buffer.alloc(200));
    await first.store.store('k', 'two');
    expect(await writersAt(first.engine)).toHaveLength(2);
    if (how !== 'closed') await attacker.remove(next);
    expect(await announced(first.engine)).toEqual(expect.arrayContaining(await commits(first.engine)));
  });
});

/** A store whose next write of an object waits until it is released. */
async function slow(journal: boolean): Promise<{
  world: Awaited<ReturnType<typeof worldOf>>;
  store: ObjectStore;
  engine: Engine;
  release: () => void;
  held: Promise<void>;
}> {
  const world = await worldOf({ journal });
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const injector = createFaultInjector(({ operation, key }) => {
    if (operation !== 'write' || key?.startsWith('o/') !== true) return undefined;
    held.resolve();
    return { type: 'delay', until: promise };
  });
  const process = await world.start({ layers: [injector.layer] });
  return { world, ...process, release: resolve, held: held.promise };
}

describe('a mutation under way', () => {
  it('[J-06] when the journal is switched on is announced before it is acknowledged', async () => {
    const { world, store, engine, release, held } = await slow(false);
    const storing = store.store('k', 'x');
    await held;
    const other = await world.start();
    await commitHead(other.engine, {}, async () => ({ head: { journal: 'on' } }));
    world.clock.advance(6000);
    release();
    await storing;
    expect(await announced(engine)).toEqual(await commits(engine));
  });

  it('[J-09] that takes so long that its hint may be forgotten is announced again', async () => {
    const { world, store, engine, release, held } = await slow(true);
    const storing = store.store('k', 'x');
    await held;
    world.clock.advance(HINT_COVERS_FOR);
    release();
    await storing;
    const [commit] = await commits(engine);
    expect(await announced(engine)).toEqual([commit, commit]);
  });
});

describe('a stream that has not been used for a day', () => {
  it('[J-12] is left for a new one, since others may have closed it', async () => {
    const world = await worldOf();
    const { store, engine } = await world.start();
    await store.store('k', 'one');
    world.clock.advance(STREAM_USED_FOR - 1);
    await store.store('k', 'two');
    expect(await writersAt(engine)).toHaveLength(1);
    world.clock.advance(STREAM_USED_FOR);
    await store.store('k', 'three');
    expect(await writersAt(engine)).toHaveLength(2);
    world.clock.advance(STREAM_USED_FOR);
    await store.close();
    const { engine: other } = await world.start();
    expect((await hintsAt(other)).map(({ kind }) => kind)).toEqual(['hint', 'hint', 'hint']);
  });
});
