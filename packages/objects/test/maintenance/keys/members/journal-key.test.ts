import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../../../../jobs/test/support/clock.ts';
import type { ObjectStore } from '../../../../src/index.ts';
import type { Engine } from '../../../../src/engine/engine.ts';
import { DAY, HOUR, processAt, whileTimePasses } from '../../../support/collection.ts';
import { Follower } from '../../../support/followers.ts';
import { person } from '../../../support/members.ts';
import { memoryPlace } from '../../../support/places.ts';
import { createAt, openAt, usePlace } from '../../../support/stores.ts';

const MINUTE = 60_000;

interface Scene {
  readonly clock: FakeClock;
  readonly store: ObjectStore;
  /** Of another process. */
  readonly engine: Engine;
  /** Revokes a member. @returns what the state is of the journal key that they had */
  readonly revoke: () => Promise<() => Promise<string | undefined>>;
}

/** A store with a journal and a member, which is kept open and looked after. */
async function scene(): Promise<Scene> {
  const clock = new FakeClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const settings = { clock, journal: true, rotation: { days: 0 }, categories: { red: ['red/**'] } };
  await (await createAt(place, settings)).close();
  const { engine } = await processAt(place, { clock });
  const store = await openAt(place, { clock, maintenance: true });
  await store.store('red/a', 'a');
  const { recipient } = await person();
  await store.members.add('ann', recipient, { categories: ['red'] });
  const revoke = async (): Promise<() => Promise<string | undefined>> => {
    const { remaining } = await whileTimePasses(clock, Promise.resolve(store.members.revoke('ann')));
    const [id] = Object.keys(remaining);
    return async () => (await store.encryptionKeys.list()).find((key) => key.id === id)?.state;
  };
  return { clock, store, engine, revoke };
}

/** How long it takes at most: a stream is closed a week after its last hint, and then removed by one collection after the other. */
const AT_MOST = 14 * DAY;

describe('the journal key that a member had is retired by itself', () => {
  it('while the store is in use', async () => {
    const { clock, store, revoke } = await scene();
    const state = await revoke();
    expect(await state()).toBe('enabled');
    for (let passed = 0; passed < AT_MOST; passed += 6 * HOUR) {
      await store.store('red/a', `after ${passed}`);
      await clock.pass(6 * HOUR, 10 * MINUTE);
    }
    expect(await state()).toBe('disabled');
    expect((await whileTimePasses(clock, Promise.resolve(store.verify()))).ok).toBe(true);
    expect((await store.retrieve('red/a')).text()).toMatch(/^after/);
  });

  it('where nobody writes, not before its hints are gone', async () => {
    const { clock, revoke } = await scene();
    const state = await revoke();
    await clock.pass(5 * DAY, 10 * MINUTE);
    expect(await state()).toBe('enabled');
    await clock.pass(AT_MOST - 5 * DAY, 10 * MINUTE);
    expect(await state()).toBe('disabled');
  });

  it('where a consumer has read some of them and then fallen silent', async () => {
    const { clock, store, engine, revoke } = await scene();
    const follower = await Follower.open(engine, clock);
    await whileTimePasses(clock, follower.follow());
    await store.store('red/b', 'unread');
    const state = await revoke();
    await clock.pass(AT_MOST, 10 * MINUTE);
    expect(await state()).toBe('disabled');
    // It begins anew, and misses nothing.
    const again = await Follower.open(engine, clock);
    await whileTimePasses(clock, again.follow());
    expect(again.known.size).toBe(2);
    expect(again.alarms).toEqual([]);
  });

  it('and not while a revocation is to be gone on with, which does so itself', async () => {
    const { clock, store, revoke } = await scene();
    const stopped = new AbortController();
    const job = store.members.revoke('ann', { signal: stopped.signal });
    const watched = (async () => {
      for await (const { phase } of job.progress) if (phase.startsWith('waiting for')) stopped.abort();
    })();
    await expect(whileTimePasses(clock, Promise.resolve(job))).rejects.toMatchObject({ code: 'ABORTED' });
    await watched;
    const states = async (): Promise<string[]> =>
      (await store.encryptionKeys.list()).filter(({ kind }) => kind === 'journal').map(({ state }) => state);
    await clock.pass(AT_MOST, 10 * MINUTE);
    expect(await states()).toEqual(['enabled', 'primary']);
    await whileTimePasses(clock, Promise.resolve(store.jobs.resume('rotation')));
    expect(await states()).toEqual(['disabled', 'primary']);
    await expect(revoke()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
