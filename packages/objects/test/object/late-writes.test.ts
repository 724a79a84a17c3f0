import type { BackendCall, FaultInjector } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { systemClock } from '@securestore/jobs';
import { describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/index.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace, withoutBatch } from '../support/places.ts';
import { createAt, failure, openAt, patterned, usePlace } from '../support/stores.ts';

const LARGE = patterned(150_000, 2);

interface LateWriter {
  readonly store: ObjectStore;
  /** Lets the write arrive; nothing where its condition does not hold any more. */
  readonly land: () => Promise<void>;
  readonly injector: FaultInjector;
}

/** A store whose first write of a record seems to have failed and reaches the backend when the test says so. */
async function lateWriter(place: Place, clock?: Clock): Promise<LateWriter> {
  const injector = createFaultInjector();
  const raw = await place.open();
  let landing: (() => Promise<unknown>) | undefined;
  const store = await openAt(place, {
    clock,
    wrap: (inner) => {
      const backend = withoutBatch(inner);
      return Object.assign(backend, {
        write: async (...[key, body, options]: Parameters<typeof inner.write>) => {
          if (!key.startsWith('o/') || landing !== undefined) return inner.write(key, body, options);
          const sent = Uint8Array.from(body);
          const conditions = { ...options, signal: undefined };
          landing = () => raw.write(key, sent, conditions);
          throw new SecureStoreError('TIMEOUT', 'no answer', { outcome: 'unknown' });
        },
      });
    },
    layers: [injector.layer],
  });
  return { store, injector, land: async () => void (await landing?.()) };
}

/** Does something before the `count`-th call of one kind about a record goes on. */
function before(
  injector: FaultInjector,
  operation: BackendCall['operation'],
  count: number,
  act: () => Promise<void>,
): void {
  let calls = 0;
  injector.plan((call) => {
    if (call.operation !== operation || call.key?.startsWith('o/') !== true || ++calls !== count) return undefined;
    return { type: 'delay', until: act() };
  });
}

/** Fails all calls of one kind about a record from the `count`-th on. */
function failFrom(injector: FaultInjector, operation: BackendCall['operation'], count: number): void {
  let calls = 0;
  injector.plan((call) =>
    call.operation === operation && call.key?.startsWith('o/') === true && ++calls >= count
      ? { type: 'fail' }
      : undefined,
  );
}

async function setUp(): Promise<LateWriter & { other: ObjectStore; place: Place }> {
  const place = usePlace(memoryPlace);
  const other = await createAt(place);
  return { ...(await lateWriter(place)), other, place };
}

describe('a write that lands late', () => {
  it('after the store has given up is reported as unknown, and its payload is there', async () => {
    const { store, land, injector, other } = await setUp();
    failFrom(injector, 'write', 2);
    const error = await failure(store.store('k', LARGE), 'UNAVAILABLE');
    expect(error.outcome).toBe('unknown');
    await land();
    expect(LARGE.equals((await other.retrieve('k')).data)).toBe(true);
  });

  it('between two attempts counts once', async () => {
    const { store, land, injector } = await setUp();
    before(injector, 'write', 2, land);
    const info = await store.store('k', 'once', { ifAbsent: true });
    expect(await store.history('k')).toHaveLength(1);
    expect(await store.info('k')).toEqual(info);
  });

  it('and is overwritten at once, when it had been looked for, counts once', async () => {
    const { store, land, injector, other } = await setUp();
    await other.store('k', 'first');
    let looked = false;
    injector.plan(({ operation, key }) => {
      if (operation === 'list') looked = true;
      if (!looked || key?.startsWith('o/') !== true) return undefined;
      injector.plan(undefined);
      return { type: 'delay', until: land().then(async () => void (await other.store('k', 'later'))) };
    });
    const { version } = await store.setMetadata('k', { once: true });
    expect((await store.retrieve('k')).text()).toBe('later');
    const history = await store.history('k');
    expect(history).toHaveLength(3);
    expect(history[1]?.version).toBe(version);
  });

  it('and is purged does not come back: whether it was there stays undecided', async () => {
    const { store, land, injector, other } = await setUp();
    before(injector, 'read', 1, async () => {
      await land();
      await other.purge('k');
    });
    const error = await failure(store.store('k', 'once'), 'TIMEOUT');
    expect(error.outcome).toBe('unknown');
    expect(await other.has('k')).toBe(false);
  });

  it('and is purged and stored anew by another stays undecided too', async () => {
    const { store, land, injector, other } = await setUp();
    before(injector, 'read', 1, async () => {
      await land();
      await other.purge('k');
      await other.store('k', 'later');
    });
    await failure(store.store('k', 'once'), 'TIMEOUT');
    expect((await other.retrieve('k')).text()).toBe('later');
  });
});

describe('a write that lands late beside a rotation', () => {
  it('is brought under the new key before it is acknowledged', async () => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const faults = createFaultInjector();
    const other = await createAt(place, { clock, layers: [faults.layer] });
    await other.slots.add(rawKey(Buffer.alloc(32, 8)));
    const { store, land, injector } = await lateWriter(place, clock);
    before(injector, 'read', 1, async () => {
      // It stops when the new key is there, and the old one is not retired.
      faults.plan(({ operation, key }) => (operation === 'list' && key === 'o/' ? { type: 'fail' } : undefined));
      await failure(other.rotateEncryptionKey(Buffer.alloc(32, 8), Buffer.alloc(32, 9)), 'UNAVAILABLE');
      faults.plan(undefined);
      await land();
      await clock.sleep(5000);
      await store.has('another');
    });
    await store.store('k', 'once');
    const states = await other.encryptionKeys.list();
    const primary = states.filter(({ state }) => state === 'primary').map(({ id }) => id);
    expect(primary).toContain((await other.info('k')).keyVersion);
  });
});

describe('a purge whose tombstone lands late', () => {
  it('leaves what was stored after it', async () => {
    const { store, land, injector, other } = await setUp();
    await other.store('k', 'purged');
    before(injector, 'read', 2, async () => {
      await land();
      await other.store('k', 'kept');
      await other.store('k', 'kept too');
    });
    expect(await store.purge('k')).toBe(true);
    expect((await other.retrieve('k')).text()).toBe('kept too');
    const history = await other.history('k');
    expect(history.map(({ deleted }) => deleted)).toEqual([false, false, true]);
  });

  it('never takes an earlier purge for itself, though its clock is slow', async () => {
    const place = usePlace(memoryPlace);
    const other = await createAt(place);
    const { store } = await lateWriter(place, { ...systemClock(), now: () => Date.now() - 300_000 });
    await other.store('k', 'first');
    await other.purge('k');
    await other.store('k', 'second');
    await store.purge('k');
    expect(await other.has('k')).toBe(false);
    expect(await other.history('k')).toHaveLength(1);
  });

  it('after it has failed is reported as unknown', async () => {
    const { store, land, injector, other } = await setUp();
    await other.store('k', 'purged');
    failFrom(injector, 'read', 2);
    const error = await failure(store.purge('k'), 'UNAVAILABLE');
    expect(error.outcome).toBe('unknown');
    await land();
    expect(await other.has('k')).toBe(false);
  });
});

describe('a purge beside other clients', () => {
  it.each(['unchanged', 'changed meanwhile'])(
    'has the copy of a version withdrawn that it came before: %s',
    async (how) => {
      const place = usePlace(memoryPlace);
      const other = await createAt(place);
      await other.store('k', 'purged');
      const injector = createFaultInjector();
      const store = await openAt(place, { wrap: withoutBatch, layers: [injector.layer] });
      await store.setMetadata('k', {});
      const raw = await place.open();
      let left: string | undefined;
      injector.plan(({ operation, key }) => {
        if (operation === 'write' && key?.startsWith('h/') === true && left === undefined) {
          left = '';
          return { type: 'delay', until: other.purge('k').then(() => undefined) };
        }
        if (operation !== 'delete' || key === undefined || how === 'unchanged') return undefined;
        left = key;
        return { type: 'delay', until: raw.write(key, Buffer.from('another')).then(() => undefined) };
      });
      await store.store('k', 'new');
      injector.plan(undefined);
      const { entries } = await raw.list('h/');
      // The tombstone of the purge, and what somebody put in the place of the copy after it was looked at.
      expect(entries).toHaveLength(how === 'unchanged' ? 1 : 2);
      if (how !== 'unchanged') expect(entries.map(({ key }) => key)).toContain(left);
    },
  );

  it('leaves the history of what is stored after its tombstone', async () => {
    const place = usePlace(memoryPlace);
    const other = await createAt(place);
    await other.store('k', 'purged');
    const injector = createFaultInjector();
    const store = await openAt(place, { layers: [injector.layer] });
    let lists = 0;
    injector.plan(({ operation }) => {
      if (operation !== 'list' || ++lists !== 1) return undefined;
      return {
        type: 'delay',
        until: other.store('k', 'kept').then(async () => void (await other.store('k', 'current'))),
      };
    });
    await store.purge('k');
    const [current, kept] = await other.history('k');
    expect(current).toMatchObject({ current: true, deleted: false });
    expect((await other.retrieve('k', { version: kept?.version })).text()).toBe('kept');
  });

  it('makes a read of its payload NOT_FOUND, though a copy of the record came to the history after it', async () => {
    const place = usePlace(memoryPlace);
    const other = await createAt(place);
    const { version } = await other.store('k', LARGE);
    await other.store('k', 'second');
    const raw = await place.open();
    const { entries } = await raw.list('h/');
    const [copy] = await Promise.all(entries.map(async ({ key }) => ({ key, found: await raw.read(key) })));
    await other.purge('k');
    if (copy?.found === undefined) throw new Error('there was no copy');
    await raw.write(copy.key, copy.found.body);
    await failure(other.retrieve('k', { version }), 'NOT_FOUND');
    await other.store('k', 'third');
    await other.store('k', 'fourth');
    await failure(other.retrieve('k', { version }), 'NOT_FOUND');
  });
});

describe('[R-23] a copy of a version that lands in the history after its purge', () => {
  it.each([
    ['is still deleted', []],
    ['has been stored anew', ['store']],
    ['has been changed since', ['store', 'setMetadata']],
    ['has been deleted since', ['store', 'delete']],
    ['has been brought back since', ['store', 'delete', 'undelete']],
  ] as const)('[R-22] is not there for anybody, while the object %s', async (_name, since) => {
    const clock = new EagerClock();
    const place = usePlace(() => memoryPlace(() => clock.now()));
    const store = await createAt(place, { clock });
    const { version, modified } = await store.store('k', 'purged');
    clock.advance(1000);
    await store.store('k', 'purged too');
    const raw = await place.open();
    const [name = ''] = (await raw.list('h/')).entries.map(({ key }) => key);
    const copy = (await raw.read(name))?.body ?? expect.fail('no copy');
    await store.purge('k');
    for (const action of since) {
      if (action === 'store') await store.store('k', 'new');
      else if (action === 'setMetadata') await store.setMetadata('k', { n: 1 });
      else await store[action]('k');
    }
    const listed = await store.history('k');
    await raw.write(name, copy);
    expect(await store.history('k')).toEqual(listed);
    await failure(store.retrieve('k', { version }), 'NOT_FOUND');
    await failure(store.retrieve('k', { at: modified }), 'NOT_FOUND');
    await failure(store.restoreVersion('k', version), 'NOT_FOUND');
    expect((await store.verify()).findings).toMatchObject([{ kind: 'resurrected', name, found: version }]);
  });
});

describe('history', () => {
  it('is in order, and ends with the version that was current, while the object is overwritten', async () => {
    const place = usePlace(memoryPlace);
    const other = await createAt(place);
    const first = await other.store('k', 'first');
    const second = await other.store('k', 'second');
    const injector = createFaultInjector();
    const store = await openAt(place, { layers: [injector.layer] });
    let lists = 0;
    injector.plan(({ operation }) => {
      if (operation !== 'list' || ++lists !== 1) return undefined;
      return {
        type: 'delay',
        until: other.store('k', 'third').then(async () => void (await other.store('k', 'fourth'))),
      };
    });
    const history = await store.history('k');
    expect(history.map(({ version }) => version)).toEqual([second.version, first.version]);
    expect(history.map(({ current }) => current)).toEqual([true, false]);
  });
});
