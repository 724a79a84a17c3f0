import type { Fault } from '@securestore/backend-api';
import { createFaultInjector } from '@securestore/backend-api';
import { AREAS, decodeBase32, keyringName, markerName, parseStoreKey, partName } from '@securestore/core-format';
import { beforeAll, describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../jobs/test/support/clock.ts';
import { backendNow } from '../../../src/record/backend-age.ts';
import { collect } from '../../../src/maintenance/gc/collect.ts';
import { markDeleting } from '../../../src/record/blob-markers.ts';
import { commitHead } from '../../../src/engine/commit-head.ts';
import type { Process } from '../../support/collection.ts';
import {
  DAY,
  hasCode,
  HOUR,
  markersOf,
  namesUnder,
  partsOf,
  processAt,
  silent,
  whileTimePasses,
} from '../../support/collection.ts';
import { headAt } from '../../support/heads.ts';
import type { KeptPlace } from '../../support/kept-place.ts';
import { copyOf, keptAt } from '../../support/kept-place.ts';
import { memoryPlace } from '../../support/places.ts';
import type { Place } from '../../support/places.ts';
import { createAt, failure, patterned, usePlace } from '../../support/stores.ts';
import { LONG } from '../../../../../tools/campaigns/src/size.ts';

const LARGE = 70_000;
/** More than the block of a stream that is sealed at once. */
const SLOW = 1_200_000;

interface World {
  readonly clock: FakeClock;
  readonly place: Place;
}

async function newWorld(): Promise<World> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  await (await createAt(place, { clock, history: { versions: 1, days: 0 } })).close();
  return { clock, place };
}

let littering: Promise<KeptPlace> | undefined;

/** A store with something of everything that is collected: a copy of one, since making it takes as long as to collect it. */
async function littered(): Promise<World> {
  const clock = new FakeClock();
  const place = await copyOf(await (littering ??= litter()), clock);
  clock.advance(2 * DAY);
  return { clock, place };
}

async function litter(): Promise<KeptPlace> {
  const { clock, place } = await newWorld();
  const { engine, store } = await processAt(place, { clock });
  const tokenOf = (key: string): string => engine.names.locate(parseStoreKey(key)).token;
  for (let n = 0; n < 4; n++) await store.store('large', patterned(LARGE, n));
  await store.store('expired', 'x', { expires: new Date(clock.now() + HOUR) });
  await store.store('gone', 'x');
  await store.purge('gone');
  await store.store('plain', 'x');
  const lost = Buffer.alloc(16, 9);
  for (const part of [0, 1]) await engine.backend.write(partName(tokenOf('large'), lost, part), Buffer.alloc(10));
  await engine.backend.write(partName(tokenOf('none'), lost, 0), Buffer.alloc(10));
  await engine.backend.write(keyringName(1, lost), Buffer.alloc(10));
  const [kept = ''] = (await namesUnder(engine.backend, AREAS.blobs)).map((name) => name.split('@')[1]?.slice(0, 26));
  await markDeleting(engine, tokenOf('large'), decodeBase32(kept) ?? lost, await backendNow(engine), undefined);
  // The clock of a copy begins at the moment when all of it was stored.
  expect(clock.now()).toBe(new FakeClock().now());
  return keptAt(place);
}

/** What is left when all is collected: names without those of versions that were made while collecting. */
async function outcome({ engine, store }: Process): Promise<unknown> {
  const parts = await partsOf(engine);
  const history: Record<string, number> = {};
  for (const key of ['large', 'expired', 'plain']) {
    const entries = await store.history(key);
    history[key] = entries.length;
    if (key !== 'expired') for (const { version } of entries) await store.retrieve(key, { version });
  }
  return {
    ...parts,
    history,
    markers: await markersOf(engine),
    list: await store.list(),
    objects: (await namesUnder(engine.backend, AREAS.objects)).length,
    keyrings: (await namesUnder(engine.backend, AREAS.keyrings)).length,
    probes: await namesUnder(engine.backend, 'g/probe/'),
  };
}

/** As many passes as it takes for everything to be older than the grace period that is not in use. */
async function collectAll({ clock, place }: World): Promise<unknown> {
  const process = await processAt(place, { clock });
  for (let pass = 0; pass < 2; pass++) {
    expect(await whileTimePasses(clock, collect(process.engine))).toMatchObject({ failed: 0 });
    expect((await partsOf(process.engine)).missing).toEqual([]);
    clock.advance(DAY + HOUR);
  }
  await whileTimePasses(clock, collect(process.engine));
  return outcome(process);
}

const FAULTS: readonly (readonly [string, Fault])[] = [
  ['it is killed before', { type: 'kill-before' }],
  ['it is killed after', { type: 'kill-after' }],
  ['the call fails', { type: 'fail' }],
  ['the acknowledgement is lost', { type: 'lose-acknowledgement' }],
];

describe.each([
  ['on a backend with a clock', undefined],
  ['on a backend without a clock and batches', silent],
] as const)('a fault at every call of a collection, %s', (_where, wrap) => {
  let expected: unknown;
  let calls = 0;

  beforeAll(async () => {
    expected = await collectAll(await littered());
    expect(expected).toMatchObject({
      missing: [],
      unreachable: [],
      history: { large: 2, expired: 2, plain: 1 },
      list: ['large', 'plain'],
      objects: 3,
      keyrings: 1,
      markers: {},
      probes: [],
    });
    const probe = createFaultInjector();
    const undisturbed = await littered();
    const { engine: counted } = await processAt(undisturbed.place, {
      ...undisturbed,
      layers: [probe.layer],
      ...(wrap && { wrap }),
    });
    await whileTimePasses(undisturbed.clock, collect(counted));
    calls = probe.calls;
    expect(calls).toBeGreaterThan(20);
  });

  it.each(FAULTS)('leaves everything that is needed, and the next one ends it, where %s', async (_what, fault) => {
    for (let k = 0; k < calls; k += LONG ? 1 : 30) {
      const world = await littered();
      const injector = createFaultInjector();
      const { engine } = await processAt(world.place, { ...world, layers: [injector.layer], ...(wrap && { wrap }) });
      injector.plan(({ index }) => (index === k ? fault : undefined));
      const running = whileTimePasses(world.clock, Promise.race([collect(engine), injector.killed]));
      await running.catch((error: unknown) => {
        if (!hasCode(error, 'UNAVAILABLE')) throw error;
      });
      const witness = await processAt(world.place, world);
      expect((await partsOf(witness.engine)).missing, `call ${k}`).toEqual([]);
      world.clock.advance(DAY + HOUR);
      expect(await collectAll(world), `call ${k}`).toEqual(expected);
    }
  });
});

describe('what a stop leaves', () => {
  it('after some parts were written is collected', async () => {
    const { clock, place } = await newWorld();
    const injector = createFaultInjector();
    const writer = await processAt(place, { clock, smallParts: true, layers: [injector.layer] });
    let parts = 0;
    injector.plan(({ operation, key }) =>
      operation === 'write' && key?.startsWith(AREAS.blobs) === true && ++parts === 2
        ? { type: 'kill-after' }
        : undefined,
    );
    void writer.store.store('k', patterned(LARGE)).catch(() => undefined);
    await injector.killed;
    const { engine } = await processAt(place, { clock });
    expect((await partsOf(engine)).unreachable.length).toBeGreaterThan(0);
    await whileTimePasses(clock, collect(engine));
    expect((await partsOf(engine)).unreachable.length).toBeGreaterThan(0);
    clock.advance(DAY + HOUR);
    await whileTimePasses(clock, collect(engine));
    expect(await namesUnder(engine.backend, AREAS.blobs)).toEqual([]);
  });

  it('after a new keyring was written and before the head is collected once no head can name it', async () => {
    const { clock, place } = await newWorld();
    const injector = createFaultInjector(({ operation, key }) =>
      operation === 'write' && key === 'store' ? { type: 'kill-before' } : undefined,
    );
    const { store } = await processAt(place, { clock, layers: [injector.layer] });
    const NEW = Buffer.alloc(32, 8);
    store.rotateEncryptionKey(Buffer.alloc(32, 7), NEW, { depth: 'keys' }).then(
      () => undefined,
      () => undefined,
    );
    await whileTimePasses(clock, injector.killed);
    const { engine } = await processAt(place, { clock });
    expect(await namesUnder(engine.backend, AREAS.keyrings)).toHaveLength(2);
    clock.advance(2 * DAY);
    await whileTimePasses(clock, collect(engine));
    expect(await namesUnder(engine.backend, AREAS.keyrings)).toHaveLength(2);
    await commitHead(engine, {}, async () => ({ head: { rotationDays: 5 } }));
    await whileTimePasses(clock, collect(engine));
    const { references } = await headAt(engine.backend);
    expect(await namesUnder(engine.backend, AREAS.keyrings)).toEqual([references.keyring?.name]);
  });

  it('[M-05] after the marker was set and before the parts are deleted is taken over', async () => {
    const { clock, place } = await newWorld();
    const injector = createFaultInjector();
    const { engine, store } = await processAt(place, { clock, layers: [injector.layer] });
    const { version } = await store.store('k', patterned(LARGE));
    await store.store('k', 'b');
    await store.store('k', 'c');
    clock.advance(2 * DAY);
    injector.plan(({ operation, key }) =>
      operation.startsWith('delete') && (key === undefined || key.startsWith(AREAS.blobs))
        ? { type: 'kill-before' }
        : undefined,
    );
    await whileTimePasses(clock, Promise.race([collect(engine), injector.killed]));
    const other = await processAt(place, { clock });
    expect(Object.values(await markersOf(other.engine))).toEqual(['deleting']);
    await failure(other.store.restoreVersion('k', version), 'NOT_FOUND');
    expect(await whileTimePasses(clock, collect(other.engine))).toMatchObject({ blobs: 1 });
    expect(await namesUnder(other.engine.backend, AREAS.blobs)).toEqual([]);
    expect(await markersOf(other.engine)).toEqual({});
  });
});

/** A large version in the history of `k`, and the name of its marker. */
async function prepared(): Promise<World & Process & { version: string; marker: string }> {
  const world = await newWorld();
  const process = await processAt(world.place, world);
  const { version } = await process.store.store('k', patterned(LARGE));
  await process.store.store('k', 'b');
  const { token } = process.engine.names.locate(parseStoreKey('k'));
  const [part = ''] = await namesUnder(process.engine.backend, AREAS.blobs);
  const blob = decodeBase32(part.split('@')[1]?.slice(0, 26) ?? '') ?? Buffer.alloc(16);
  return { ...world, ...process, version, marker: markerName(token, blob) };
}

describe('a version that is restored', () => {
  it('is claimed first, also where the acknowledgement of the claim is lost', async () => {
    const { clock, place, version, engine } = await prepared();
    const injector = createFaultInjector(({ operation, key }) =>
      operation === 'write' && key?.startsWith(AREAS.markers) === true ? { type: 'lose-acknowledgement' } : undefined,
    );
    const { store } = await processAt(place, { clock, layers: [injector.layer] });
    await store.restoreVersion('k', version);
    expect(patterned(LARGE).equals((await store.retrieve('k')).data)).toBe(true);
    expect(Object.values(await markersOf(engine))).toEqual(['claimed']);
  });

  it('fails with NOT_FOUND while it is being collected, and with INTEGRITY where parts are missing', async () => {
    const { engine, store, version, marker, clock } = await prepared();
    const { token } = engine.names.locate(parseStoreKey('k'));
    const blob = decodeBase32(marker.split('@')[1] ?? '') ?? Buffer.alloc(16);
    await markDeleting(engine, token, blob, clock.now(), undefined);
    const error = await failure(store.restoreVersion('k', version), 'NOT_FOUND');
    expect(error.message).toContain('the version is being garbage-collected');
    await engine.backend.delete(marker);
    for (const name of await namesUnder(engine.backend, AREAS.blobs)) await engine.backend.delete(name);
    await failure(store.restoreVersion('k', version), 'INTEGRITY');
    expect((await store.retrieve('k')).text()).toBe('b');
  });
});

/** Stores through a stream that pauses before its end. */
async function stored({ clock, place }: World, pause: (process: Process) => Promise<void>): Promise<Process> {
  const process = await processAt(place, { clock, smallParts: true });
  async function* slowly(): AsyncGenerator<Uint8Array> {
    yield patterned(SLOW);
    await pause(process);
    yield Buffer.from('end');
  }
  await process.store.store('k', slowly());
  return process;
}

describe('a writer that takes longer than the grace period', () => {
  it('gets UNAVAILABLE, to be tried again, where its payload has been collected', async () => {
    const world = await newWorld();
    const call = stored(world, async ({ engine }) => {
      // The parts of the first block are written by now.
      while ((await namesUnder(engine.backend, AREAS.blobs)).length < 10)
        await new Promise((done) => setImmediate(done));
      world.clock.advance(DAY + HOUR);
      expect(await whileTimePasses(world.clock, collect(engine))).toMatchObject({ blobs: 1 });
    });
    const error = await failure(call, 'UNAVAILABLE');
    expect(error).toMatchObject({ retryable: true, key: 'k' });
    expect(error.outcome).toBeUndefined();
    const { engine, store } = await processAt(world.place, world);
    expect(await store.has('k')).toBe(false);
    world.clock.advance(2 * DAY);
    await whileTimePasses(world.clock, collect(engine));
    expect(await namesUnder(engine.backend, AREAS.blobs)).toEqual([]);
    expect(await markersOf(engine)).toEqual({});
  });

  it('[M-04] claims its payload after half of it', async () => {
    const world = await newWorld();
    const { engine, store } = await stored(world, async () => world.clock.advance(DAY / 2 + HOUR));
    expect(Object.values(await markersOf(engine))).toEqual(['claimed']);
    world.clock.advance(DAY / 2);
    await whileTimePasses(world.clock, collect(engine));
    expect((await store.retrieve('k')).data.length).toBe(SLOW + 3);
    const quick = await newWorld();
    expect(await markersOf((await stored(quick, async () => quick.clock.advance(HOUR))).engine)).toEqual({});
  });
});

describe('a process that has slept', () => {
  it('does not bring back a version that was collected since it read it', async () => {
    const { clock, place } = await newWorld();
    const sleeper = await processAt(place, { clock, wrap: silent });
    const other = await processAt(place, { clock });
    await sleeper.store.store('k', 'one');
    await sleeper.store.setMetadata('k', { a: 1 });
    clock.advance(HOUR);
    for (const text of ['two', 'three']) await other.store.store('k', text);
    clock.advance(2 * DAY);
    expect(await whileTimePasses(clock, collect(other.engine))).toMatchObject({ versions: 2 });
    const before = (await other.store.history('k')).length;
    await sleeper.store.store('k', 'four');
    expect(await other.store.history('k')).toHaveLength(before + 1);
  });
});
