import type { Layer } from '@securestore/backend-api';
import { intercept } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { ObjectStore } from '@securestore/objects';
import { describe, expect, it } from 'vitest';
import { club } from '../../../objects/test/support/members.ts';
import { failure, openAt } from '../../../objects/test/support/stores.ts';
import { Backups, Schedules } from '../../src/index.ts';
import { Shelf } from '../support/shelf.ts';

const PLACE = 'memory:backups';
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Holds up the backend calls of one process, as if it or its machine slept. */
class Sleep {
  #awake: Promise<void> = Promise.resolve();
  #wake = (): void => undefined;
  readonly layer: Layer = intercept(() => async (call, run) => {
    await this.#awake;
    return run(call.signal);
  });

  begin(): void {
    ({ promise: this.#awake, resolve: this.#wake } = Promise.withResolvers());
  }

  end(): void {
    this.#wake();
  }
}

/** Refuses to write what lies in the store under a prefix. */
class Refusal {
  isOn = false;
  readonly layer: Layer;

  constructor(prefix: string) {
    this.layer = intercept(() => async (call, run) => {
      const isRefused = this.isOn && call.operation === 'write' && call.key?.startsWith(prefix) === true;
      if (isRefused) throw new SecureStoreError('ACCESS_DENIED', 'it may not be written');
      return run(call.signal);
    });
  }
}

interface Process {
  readonly store: ObjectStore;
  readonly backups: Backups;
  /** The ids of the conditions of the destination, as this process sees them. */
  readonly conditions: () => Promise<string[]>;
}

function processOf(store: ObjectStore, { connect }: Shelf): Process {
  const backups = new Backups(store, connect);
  const schedules = new Schedules(store, backups, connect);
  return {
    store,
    backups,
    conditions: async () => (await schedules.conditions()).flatMap(({ conditions }) => conditions.map(({ id }) => id)),
  };
}

/** A store that has been backed up, and two processes that have it open; the calls of the first go through `layers`. */
async function twoProcesses(layers: readonly Layer[] = []) {
  const { clock, owner, place } = await club();
  const [near, far] = [new Shelf(() => clock.now(), layers), new Shelf(() => clock.now())];
  far.places.set(PLACE, await near.at(PLACE));
  await owner.store('a', '0');
  const there = processOf(owner, far);
  await there.backups.backup(PLACE);
  const here = processOf(await openAt(place, { clock, fingerprint: owner.fingerprint, layers }), near);
  return { clock, here, there, far };
}

async function valueIn({ backups }: Process): Promise<string> {
  return backups.read(PLACE, {}, async (store) => (await store.retrieve('a')).text());
}

describe('a continuous backup whose process has died', () => {
  it('keeps nobody from backing up to the destination, and is missed', async () => {
    const sleep = new Sleep();
    const { clock, here, there } = await twoProcesses([sleep.layer]);
    const following = await here.backups.startContinuous(PLACE);
    await following.caughtUp();
    sleep.begin();
    await there.store.store('a', '1');
    expect((await there.backups.backup(PLACE, { label: 'after it' })).number).toBeGreaterThan(1);
    expect(await there.store.jobs.list()).toEqual([]);
    expect(await valueIn(there)).toBe('1');
    await clock.sleep(MINUTE);
    expect(await there.conditions()).toEqual(['continuous']);
  });

  it('is gone on with by another process', async () => {
    const sleep = new Sleep();
    const { clock, here, there } = await twoProcesses([sleep.layer]);
    await here.backups.startContinuous(PLACE);
    sleep.begin();
    await using next = await there.backups.startContinuous(PLACE);
    await there.store.store('a', '1');
    await next.caughtUp();
    expect(await valueIn(there)).toBe('1');
    await clock.sleep(MINUTE);
    expect(await there.conditions()).toEqual([]);
  });
});

it('a continuous backup that only slept stops once it was taken over, says why, and does no harm', async () => {
  const sleep = new Sleep();
  const { clock, here, there } = await twoProcesses([sleep.layer]);
  const following = await here.backups.startContinuous(PLACE);
  const ended = failure(following.ended, 'LOCKED');
  await following.caughtUp();
  sleep.begin();
  await using next = await there.backups.startContinuous(PLACE);
  await there.store.store('a', '1');
  await next.caughtUp();
  sleep.end();
  await clock.sleep(MINUTE);
  expect((await ended).message).toContain('was taken over');
  expect(following.status.error).toMatchObject({ code: 'LOCKED' });
  // What the other one tells of itself stands.
  for (const { backups, conditions } of [here, there]) {
    expect(await backups.continuousStatus(PLACE)).toMatchObject({ isAlive: true, isOver: false });
    expect((await backups.continuousStatus(PLACE))?.error).toBeUndefined();
    expect(await conditions()).toEqual([]);
  }
  await there.store.store('a', '2');
  await next.caughtUp();
  expect(await valueIn(there)).toBe('2');
  expect(await there.backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true });
  await next.close();
  expect(await there.store.jobs.list()).toEqual([]);
});

it('a continuous backup whose state can not be kept any more ends with the reason, which others are told', async () => {
  const refusal = new Refusal('w/job/');
  const { clock, here, there } = await twoProcesses([refusal.layer]);
  const following = await here.backups.startContinuous(PLACE);
  await following.caughtUp();
  const ended = failure(following.ended, 'ACCESS_DENIED');
  refusal.isOn = true;
  await clock.sleep(20 * SECOND);
  await ended;
  expect(await there.conditions()).toContain('continuous');
});

it('writes that wait for the backup of another process pass again once one makes it, after they were refused', async () => {
  const { clock, owner, place } = await club();
  const shelf = new Shelf(() => clock.now());
  const backups = new Backups(owner, shelf.connect);
  await owner.store('a', '0');
  await backups.backup(PLACE);
  shelf.down.add(PLACE);
  const end = backups.waitForBackup(PLACE);
  // It is stored, and not acknowledged; from then on nothing is.
  expect(await failure(owner.store('a', '1'), 'UNAVAILABLE')).toMatchObject({ outcome: 'unknown' });
  expect(await failure(owner.store('a', '2'), 'UNAVAILABLE')).toMatchObject({ retryable: true });
  shelf.down.delete(PLACE);
  expect(await failure(owner.store('a', '2'), 'UNAVAILABLE')).toMatchObject({ retryable: true });
  const other = await openAt(place, { clock });
  await using _ = await new Backups(other, shelf.connect).startContinuous(PLACE);
  await clock.sleep(60_000);
  let tries = 0;
  for (; tries < 100; tries++) {
    const refused = await owner.store('a', '3').catch((error: unknown) => error);
    if (!SecureStoreError.is(refused)) break;
    expect(refused).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    await clock.sleep(1000);
  }
  expect(tries).toBeLessThan(100);
  await end();
  expect((await owner.retrieve('a')).text()).toBe('3');
});

it('a continuous backup goes on while another process restores the whole store in place', async () => {
  const { clock, here, there } = await twoProcesses();
  await using following = await here.backups.startContinuous(PLACE);
  await there.store.store('a', '1');
  await there.store.store('b', '1');
  await following.caughtUp();
  const report = await there.backups.restore(PLACE, { snapshot: 1, conflict: 'overwrite', deleteExtra: true });
  expect(report).toMatchObject({ replaced: 1, deleted: 1 });
  await following.caughtUp();
  expect(await valueIn(there)).toBe('0');
  await there.store.store('a', '2');
  await following.caughtUp();
  await clock.sleep(MINUTE);
  expect(await valueIn(here)).toBe('2');
  expect(following.status.error).toBeUndefined();
  expect(await here.store.jobs.list()).toMatchObject([{ kind: 'continuous-backup', state: 'running' }]);
  for (const { conditions } of [here, there]) expect(await conditions()).toEqual([]);
  expect(await here.backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true });
});

it('what can not be reached at all leaves no job', async () => {
  const { there, far } = await twoProcesses();
  far.down.add('memory:other');
  await failure(there.backups.backup('memory:other'), 'UNAVAILABLE');
  await failure(there.backups.startContinuous('memory:other'), 'UNAVAILABLE');
  expect(await there.store.jobs.list()).toEqual([]);
});

it('a backup takes the place of one with another label that was interrupted', async () => {
  const { there } = await twoProcesses();
  const ending = new AbortController();
  const left = there.backups.backup(PLACE, { label: 'first', signal: ending.signal });
  for await (const { phase } of left.progress) if (phase !== 'waiting') break;
  ending.abort();
  await failure(left, 'ABORTED');
  expect(await there.store.jobs.list()).toMatchObject([{ kind: 'backup', state: 'interrupted' }]);
  await there.backups.backup(PLACE, { label: 'second' });
  expect((await there.backups.list(PLACE)).map(({ label }) => label)).toEqual(['second', '']);
  expect(await there.store.jobs.list()).toEqual([]);
});
