import { randomInt } from 'node:crypto';
import type { FaultInjector, StorageBackend } from '@securestore/backend-api';
import { createFaultInjector, forwardTo } from '@securestore/backend-api';
import { AREAS } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { describe, expect, it } from 'vitest';
import type { ObjectStore, RotationDepth } from '../../src/index.ts';
import type { Attacker } from '../support/attacker.ts';
import { attack } from '../support/attacker.ts';
import { EagerClock } from '../support/eager-clock.ts';
import type { Place } from '../support/places.ts';
import { memoryPlace } from '../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../support/stores.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const KEY = Buffer.alloc(32, 7);
const OTHER = Buffer.alloc(32, 8);
const STATES = 'w/job/';
/** One call in so many, each time from another one, is that after which a process is killed. */
const STRIDE = sized({ short: 32, full: 4, torture: 1 });

interface World {
  readonly place: Place;
  readonly clock: EagerClock;
  readonly attacker: Attacker;
  readonly store: ObjectStore;
  readonly injector: FaultInjector;
}

async function world(): Promise<World> {
  const clock = new EagerClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const injector = createFaultInjector();
  const store = await createAt(place, { clock, layers: [injector.layer] });
  for (const key of ['old', 'gone', 'hidden', 'other']) await store.store(key, 'one');
  await store.checkpoint();
  return { place, clock, store, injector, attacker: await attack(place) };
}

const rotate = (store: ObjectStore, depth: RotationDepth) => store.rotateEncryptionKey(KEY, KEY, { depth });

const isRecord = (name: string): boolean => name.startsWith(AREAS.objects) || name.startsWith(AREAS.history);

/** An older version is put back, a deletion undone, and an object hidden; all of it known to the checkpoint. */
async function rollBack({ store, attacker }: World): Promise<void> {
  const before = await attacker.copy();
  await store.store('old', 'two');
  await store.delete('gone');
  await store.delete('hidden');
  await store.store('hidden', 'two');
  await store.checkpoint();
  const names = new Set(await attacker.names(AREAS.objects));
  for (const name of await attacker.names()) if (isRecord(name) && !before.has(name)) await attacker.remove(name);
  for (const [name, body] of before) if (isRecord(name)) await attacker.put(name, body);
  const hidden = await namesOf(store, names);
  await attacker.remove(hidden);
}

/** The backend name of the object `hidden`. */
async function namesOf(store: ObjectStore, names: ReadonlySet<string>): Promise<string> {
  const { findings } = await store.verify();
  const found = findings.find(({ key, kind, name }) => kind === 'rolled-back' && key === 'hidden' && names.has(name));
  return found?.name ?? expect.fail('it was not found');
}

/** What `verify` says after {@link rollBack}. */
async function expectFound(store: ObjectStore): Promise<void> {
  const { findings, found } = await store.verify();
  expect(findings.map(({ kind }) => kind).toSorted()).toEqual(['hidden', 'resurrected', 'rolled-back']);
  expect(found).toBe(3);
}

/** Stops a rotation at its `nth` write under a prefix. */
async function stopAt({ store, injector }: World, depth: RotationDepth, prefix: string, nth = 1): Promise<void> {
  let writes = 0;
  injector.plan(({ operation, key }) =>
    operation === 'write' && key?.startsWith(prefix) === true && ++writes >= nth ? { type: 'fail' } : undefined,
  );
  await failure(rotate(store, depth), 'UNAVAILABLE');
  injector.plan(undefined);
}

/** Every state that a rotation has had. */
async function statesOf({ place, clock }: World, depth: RotationDepth): Promise<[string, Uint8Array][]> {
  const states: [string, Uint8Array][] = [];
  const wrap = (inner: StorageBackend): StorageBackend =>
    forwardTo(inner, {
      write: async (key, body, options) => {
        if (key.startsWith(STATES)) states.push([key, Buffer.from(body)]);
        return inner.write(key, body, options);
      },
    });
  const store = await openAt(place, { clock, wrap });
  await rotate(store, depth);
  await store.close();
  return states;
}

describe('a rotation to the depth "data" of a store that was rolled back', () => {
  // T-BACKEND-14
  it('[X-09] says so, and verify goes on saying it', async () => {
    const w = await world();
    await rollBack(w);
    await expectFound(w.store);
    expect(await rotate(w.store, 'data')).toMatchObject({ failed: 0, contradicted: 3 });
    await expectFound(w.store);
    expect(await w.store.checkpoint()).toMatchObject({ contradicted: 3 });
    expect(await rotate(w.store, 'data')).toMatchObject({ contradicted: 3 });
    await expectFound(w.store);
  });

  it.each([
    ['making its keys known', 'store', 1],
    ['sealing the checkpoint anew', AREAS.checkpoints, 1],
    ['naming the checkpoint that is sealed anew', 'store', 2],
    ['sealing the first object', AREAS.objects, 1],
    ['sealing another object', AREAS.objects, 2],
    ['retiring keys', AREAS.keyrings, 2],
    ['making the new checkpoint', AREAS.checkpoints, 3],
    ['naming the new checkpoint', 'store', 4],
    ['ending', 'store', 5],
  ])('verify says it where that stops before %s, and afterwards', async (_what, prefix, nth) => {
    const w = await world();
    await rollBack(w);
    await stopAt(w, 'data', prefix, nth);
    await expectFound(w.store);
    const [job] = await w.store.jobs.list();
    const report = job === undefined ? rotate(w.store, 'data') : w.store.jobs.resume(job.id);
    expect(await report).toMatchObject({ contradicted: 3 });
    await expectFound(w.store);
  });

  it(
    'verify says it wherever the process is killed, and when another one has gone on',
    { timeout: 300_000 },
    async () => {
      let k = randomInt(STRIDE);
      for (; ; k += STRIDE) {
        const w = await world();
        await rollBack(w);
        const first = w.injector.calls + k;
        w.injector.plan(({ index }) => (index === first ? { type: 'kill-after' } : undefined));
        const ended = rotate(w.store, 'data').then(() => undefined);
        await Promise.race([ended, w.injector.killed]);
        const reached = w.injector.calls > first;
        const other = await openAt(w.place, { clock: w.clock });
        await expectFound(other);
        // It may have ended, or never begun.
        await other.jobs
          .resume('rotation')
          .catch((error: unknown) => expect(error).toMatchObject({ code: 'NOT_FOUND' }));
        await expectFound(other);
        expect(await other.checkpoint(), `stopped at call ${k}`).toMatchObject({ contradicted: 3 });
        await expectFound(other);
        await other.close();
        if (!reached) break;
      }
      expect(k, 'calls').toBeGreaterThan(30);
    },
  );

  it('verify says it where the rotation is forgotten half-way', async () => {
    const w = await world();
    await rollBack(w);
    await stopAt(w, 'data', AREAS.objects, 2);
    await w.store.jobs.forget('rotation');
    await expectFound(w.store);
    expect(await w.store.checkpoint()).toMatchObject({ contradicted: 3 });
    await expectFound(w.store);
  });

  it('finds nothing more once what was put away is put back, though it was sealed anew', async () => {
    const w = await world();
    await stopAt(w, 'data', AREAS.objects, 4);
    const names = await w.attacker.names(AREAS.objects);
    const whole = new Map(await Promise.all(names.map(async (name) => [name, await w.attacker.get(name)] as const)));
    const [first = ''] = names;
    await w.attacker.remove(first);
    expect(await w.store.jobs.resume('rotation')).toMatchObject({ contradicted: 1 });
    expect(await w.store.verify()).toMatchObject({ ok: false, findings: [{ kind: 'hidden' }] });
    await w.attacker.put(first, whole.get(first) ?? Buffer.alloc(0));
    expect(await w.store.verify()).toMatchObject({ ok: true, found: 0 });
  });

  it('[X-10] a damaged checkpoint stays, and is reported', async () => {
    const w = await world();
    for (const name of await w.attacker.names(AREAS.checkpoints)) await w.attacker.put(name, Buffer.from('junk'));
    const report = await rotate(w.store, 'data');
    expect(report.failures).toMatchObject([{ code: 'INTEGRITY' }]);
    expect(report.failed).toBe(1);
    expect(await w.store.verify()).toMatchObject({ ok: false, found: 1, findings: [{ kind: 'damaged' }] });
    await w.store.checkpoint({ afresh: true });
    expect(await w.store.verify()).toMatchObject({ ok: true });
  });
});

describe('the state of a rotation that has ended, put back', () => {
  it.each(['unlock', 'keys', 'data'] as const)(
    '[H-13] of the depth "%s" begins nothing and stops nothing',
    async (depth) => {
      const w = await world();
      const states = await statesOf(w, depth);
      expect(states.length).toBeGreaterThan(0);
      await w.store.checkpoint();
      await rollBack(w);
      for (const [name, body] of new Set([...states.slice(0, 2), ...states.slice(-2)])) {
        await w.attacker.put(name, body);
        expect(await w.store.checkpoint()).toMatchObject({ contradicted: 3 });
        expect((await failure(w.store.jobs.resume('rotation'), 'NOT_FOUND')).message).toContain('rotation');
        expect(await w.attacker.names(STATES)).toEqual([]);
        await expectFound(w.store);
        await w.attacker.put(name, body);
        w.clock.advance(20_000);
        expect(await w.store.jobs.list()).toEqual([]);
        await rotate(w.store, 'unlock');
      }
    },
  );

  it('[H-13] in the place of that of another one: that one goes on, from its beginning', async () => {
    const w = await world();
    const states = await statesOf(w, 'keys');
    await stopAt(w, 'data', AREAS.objects, 2);
    await w.attacker.put(...(states.at(-1) ?? expect.fail()));
    await failure(rotate(w.store, 'keys'), 'CONFLICT');
    expect(await w.store.jobs.resume('rotation')).toMatchObject({ depth: 'data', failed: 0, contradicted: 0 });
    expect((await w.store.encryptionKeys.list()).filter(({ state }) => state === 'enabled')).toEqual([]);
  });
});

/** A world in which a rotation was stopped, and its state is gone. */
async function stateless(depth: RotationDepth): Promise<World> {
  const w = await world();
  w.injector.plan(({ operation }) => (operation === 'list' ? { type: 'fail' } : undefined));
  await failure(rotate(w.store, depth), 'UNAVAILABLE');
  w.injector.plan(undefined);
  for (const name of await w.attacker.names(STATES)) await w.attacker.remove(name);
  const { reason, advice } = await failure(w.store.checkpoint(), 'LOCKED');
  expect(reason).toBe('rotating');
  expect(advice).toContainEqual({ id: 'resume-job', job: 'rotation' });
  return w;
}

describe('a rotation whose state was taken away', () => {
  it.each(['keys', 'data'] as const)('to the depth "%s" is gone on with all the same', async (depth) => {
    const { store } = await stateless(depth);
    expect(await store.jobs.resume('rotation')).toMatchObject({ depth, failed: 0, rotated: 4 });
    expect(await store.checkpoint()).toMatchObject({ objects: 4, contradicted: 0 });
    expect(await store.verify()).toMatchObject({ ok: true });
  });

  it('can be started again, or forgotten', async () => {
    const { store } = await stateless('keys');
    expect(await rotate(store, 'keys')).toMatchObject({ failed: 0, remaining: {} });
    const other = await stateless('data');
    await failure(rotate(other.store, 'keys'), 'CONFLICT');
    await other.store.jobs.forget('rotation');
    await failure(other.store.jobs.forget('rotation'), 'NOT_FOUND');
    expect(await other.store.checkpoint()).toMatchObject({ objects: 4, contradicted: 0 });
    expect(await other.store.verify()).toMatchObject({ ok: true });
    expect(await rotate(other.store, 'keys')).toMatchObject({ failed: 0, remaining: {} });
  });
});

describe('a rotation that never began', () => {
  it.each(['unlock', 'keys', 'data'] as const)(
    'to the depth "%s", with a wrong secret, leaves nothing',
    async (depth) => {
      const { store, attacker } = await world();
      await failure(store.rotateEncryptionKey(OTHER, KEY, { depth }), 'UNLOCK_FAILED');
      expect(await attacker.names(STATES)).toEqual([]);
      expect(await store.checkpoint()).toMatchObject({ objects: 4 });
    },
  );

  it('stands in nobody’s way where it was stopped before its keys were made', async () => {
    const w = await world();
    await stopAt(w, 'data', AREAS.keyrings);
    expect(await w.attacker.names(STATES)).toHaveLength(1);
    expect(await w.store.jobs.list()).toEqual([]);
    expect(await w.store.checkpoint()).toMatchObject({ objects: 4 });
    expect(await w.store.rotateEncryptionKey(KEY, OTHER, { depth: 'keys' })).toMatchObject({ failed: 0 });
    expect(await w.attacker.names(STATES)).toEqual([]);
    await openAt(w.place, { clock: w.clock, unlock: rawKey(OTHER) });
  });
});
