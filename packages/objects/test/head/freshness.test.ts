import type { FaultInjector, StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { FakeClock } from '../../../jobs/test/support/clock.ts';
import { reviseHead } from '../support/heads.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';

/** A backend whose clock shows the beginning of 1970. */
function in1970(backend: StorageBackend): StorageBackend {
  return forwardTo(backend, {
    read: async (key, options) => {
      const found = await backend.read(key, options);
      return found && { ...found, now: 0 };
    },
  });
}

interface World {
  readonly place: Place;
  readonly clock: FakeClock;
  readonly injector: FaultInjector;
  readonly store: ObjectStore;
  /** How often the head has been read. */
  readonly headReads: () => number;
  /** Whether the head can be read. */
  reachable: boolean;
}

/** A store on a fake clock, the backend's own clock being `skew` milliseconds ahead. */
async function world(skew = 0): Promise<World> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now() + skew));
  let reads = 0;
  const state = { reachable: true };
  const injector = createFaultInjector(({ operation, key }) => {
    if (operation !== 'read' || key !== 'store') return undefined;
    reads += 1;
    return state.reachable ? undefined : { type: 'fail' };
  });
  const store = await createAt(place, { clock, layers: [injector.layer] });
  return Object.assign(state, { place, clock, injector, store, headReads: () => reads });
}

/** Lets a read beside an operation finish. */
const settle = (): Promise<void> => new Promise((done) => setImmediate(done));

describe('the head', () => {
  it('is not read again for two seconds', async () => {
    const { store, clock, headReads } = await world();
    const before = headReads();
    for (let n = 0; n < 5; n++) {
      await store.store('k', `${n}`);
      await store.retrieve('k');
      clock.advance(399);
    }
    expect(headReads()).toBe(before);
  });

  it('is read once beside the operations after that', async () => {
    const { store, clock, headReads } = await world();
    await store.store('k', 'x');
    const before = headReads();
    clock.advance(2000);
    await Promise.all([store.retrieve('k'), store.has('k'), store.list()]);
    await settle();
    expect(headReads()).toBe(before + 1);
    await store.retrieve('k');
    expect(headReads()).toBe(before + 1);
  });

  it('may be out of reach for less than five seconds', async () => {
    const w = await world();
    await w.store.store('k', 'x');
    w.reachable = false;
    w.clock.advance(4999);
    expect((await w.store.retrieve('k')).text()).toBe('x');
    await w.store.store('k', 'y');
  });

  it.each(['retrieve', 'info', 'history', 'list', 'has'] as const)(
    'out of reach for longer makes %s UNAVAILABLE',
    async (method) => {
      const w = await world();
      await w.store.store('k', 'x');
      w.reachable = false;
      w.clock.advance(5000);
      const error = await failure(w.store[method]('k'), 'UNAVAILABLE');
      expect(error).toMatchObject({ operation: method, retryable: true });
      w.reachable = true;
      await w.store[method]('k');
    },
  );

  it('out of reach leaves the outcome of mutations unknown', async () => {
    const w = await world();
    await w.store.store('k', 'x');
    w.reachable = false;
    w.clock.advance(5000);
    for (const call of [
      () => w.store.store('k', 'y'),
      () => w.store.setMetadata('k', {}),
      () => w.store.delete('k'),
      () => w.store.undelete('k'),
      () => w.store.purge('k'),
    ]) {
      expect(await failure(call(), 'UNAVAILABLE')).toMatchObject({ outcome: 'unknown' });
    }
  });

  it.each([
    ['the machine sleeps and the wall clock is set back', (clock: FakeClock) => (clock.up += 3_600_000)],
    ['the uptime stands still while the wall clock goes on', (clock: FakeClock) => (clock.wall += 5000)],
  ])('is confirmed anew where %s', async (_what, pass) => {
    const w = await world();
    await w.store.store('k', 'x');
    w.reachable = false;
    pass(w.clock);
    await failure(w.store.retrieve('k'), 'UNAVAILABLE');
    w.reachable = true;
    const before = w.headReads();
    expect((await w.store.retrieve('k')).text()).toBe('x');
    expect(w.headReads()).toBe(before + 1);
  });

  it('whose answer takes too long confirms nothing', async () => {
    const { store, clock, injector } = await world();
    await store.store('k', 'x');
    clock.advance(5000);
    let answers = 0;
    injector.plan(({ operation, key }) => {
      if (operation !== 'read' || key !== 'store') return undefined;
      answers += 1;
      return { type: 'delay', until: settle().then(() => clock.advance(5000)) };
    });
    await failure(store.retrieve('k'), 'UNAVAILABLE');
    expect(answers).toBeLessThan(5);
  });

  it('that is never answered makes calls UNAVAILABLE in the end, and recovers', async () => {
    const { store, clock, injector } = await world();
    await store.store('k', 'x');
    clock.advance(5000);
    const until = new Promise<void>(() => undefined);
    injector.plan(({ key }) => (key === 'store' ? { type: 'delay', until } : undefined));
    const passing = setInterval(() => clock.advance(500), 1);
    await failure(store.retrieve('k'), 'UNAVAILABLE').finally(() => clearInterval(passing));
    injector.plan(undefined);
    expect((await store.retrieve('k')).text()).toBe('x');
  });

  it('with a higher generation is followed', async () => {
    const { store, clock, place } = await world();
    await store.store('k', 'x');
    await reviseHead(place, (head) => ({ ...head, generation: head.generation + 1, state: 'restoring' }));
    await store.store('k', 'y');
    clock.advance(2000);
    await store.retrieve('k');
    await settle();
    expect((await store.retrieve('k')).text()).toBe('y');
    const error = await failure(store.store('k', 'z'), 'LOCKED');
    expect(error.outcome).toBeUndefined();
    await reviseHead(place, (head) => ({ ...head, generation: head.generation + 1, state: 'open' }));
    clock.advance(5000);
    await store.retrieve('k');
    await store.store('k', 'z');
  });

  // T-BACKEND-11
  it('that goes back is ROLLBACK from then on, and nothing is written', async () => {
    const { store, clock, place } = await world();
    await store.store('k', 'x');
    await reviseHead(place, (head) => ({ ...head, generation: 5 }));
    clock.advance(5000);
    await store.retrieve('k');
    await reviseHead(place, (head) => ({ ...head, generation: 4 }));
    clock.advance(5000);
    await failure(store.retrieve('k'), 'ROLLBACK');
    await reviseHead(place, (head) => ({ ...head, generation: 5 }));
    const raw = await place.open();
    const before = await raw.list('');
    for (const call of [() => store.store('k', 'y'), () => store.delete('k'), () => store.purge('k')]) {
      expect((await failure(call(), 'ROLLBACK')).outcome).toBeUndefined();
    }
    expect(await raw.list('')).toEqual(before);
  });

  it.each([
    ['of another instance', 'LOCKED', { instance: Buffer.alloc(16, 9) }],
    ['of another lineage', 'ROLLBACK', { lineage: Buffer.alloc(16, 9) }],
    ['under another root than its slots hold', 'INTEGRITY', { rootNumber: 2, generation: 9 }],
  ] as const)('%s is refused (%s)', async (_what, code, changes) => {
    const { store, clock, place } = await world();
    await store.store('k', 'x');
    await reviseHead(place, (head) => ({ ...head, ...changes }));
    clock.advance(5000);
    await failure(store.retrieve('k'), code);
    await failure(store.retrieve('k'), code);
  });

  it('that vanishes is INTEGRITY, and never made anew', async () => {
    const { store, clock, place } = await world();
    await store.store('k', 'x');
    const raw = await place.open();
    await raw.delete('store');
    clock.advance(5000);
    await failure(store.retrieve('k'), 'INTEGRITY');
    expect((await failure(store.store('k', 'y'), 'INTEGRITY')).outcome).toBeUndefined();
    expect(await raw.read('store')).toBeUndefined();
  });

  it('that is damaged while the store is open is INTEGRITY', async () => {
    const { store, clock, place } = await world();
    await store.store('k', 'x');
    const raw = await place.open();
    const head = await raw.read('store');
    if (head === undefined) throw new Error('no head');
    const damaged = Buffer.from(head.body);
    damaged.writeUInt8(damaged.readUInt8(40) ^ 1, 40);
    await raw.write('store', damaged);
    clock.advance(5000);
    await failure(store.retrieve('k'), 'INTEGRITY');
  });
});

describe('clocks', () => {
  it.each([11, -11])('%i minutes apart refuse writes and allow reads', async (minutes) => {
    const clock = new FakeClock();
    let skew = 0;
    const place = usePlace(() => memoryPlace(() => clock.now() + skew));
    await createAt(place, { clock }).then((store) => store.store('k', 'x'));
    if (minutes > 0) skew = minutes * 60_000;
    else clock.wall += minutes * 60_000;
    const store = await openAt(place, { clock });
    expect((await store.retrieve('k')).text()).toBe('x');
    const calls = [
      () => store.store('k', 'y'),
      () => store.setMetadata('k', {}),
      () => store.delete('k'),
      () => store.purge('k'),
    ];
    for (const call of calls) {
      const error = await failure(call(), 'UNAVAILABLE');
      expect(error).toMatchObject({ retryable: false });
      expect(error.outcome).toBeUndefined();
    }
    expect((await store.retrieve('k')).text()).toBe('x');
  });

  it('refuse writes if the one of the backend shows 1970', async () => {
    const clock = new FakeClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    await createAt(place, { clock });
    const store = await openAt(place, { clock, wrap: in1970 });
    const error = await failure(store.store('k', 'y'), 'UNAVAILABLE');
    expect(error).toMatchObject({ retryable: false, advice: [{ id: 'set-clock' }] });
    expect(error.message).toMatch(
      /the clocks of this machine and the backend are \d+ s apart: the limit for writes is 600 s$/,
    );
  });

  it('nine minutes apart do not matter', async () => {
    const { store } = await world(9 * 60_000);
    await store.store('k', 'x');
  });

  it('that run backwards never make versions do so', async () => {
    const { store, clock } = await world();
    const versions: string[] = [];
    for (let n = 0; n < 5; n++) {
      versions.push((await store.store('k', `${n}`)).version);
      clock.wall -= 60_000;
    }
    expect(versions).toEqual(versions.toSorted());
    expect((await store.history('k')).map(({ version }) => version)).toEqual(versions.toReversed());
  });
});
