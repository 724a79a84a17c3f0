import { createFaultInjector, intercept } from '@securestore/backend-api';
import type { BackendCall, StorageBackend } from '@securestore/backend-api';
import { AREAS, workPrefix } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace, withoutBatch } from '../../objects/test/support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../objects/test/support/stores.ts';
import { contentsOf, following, move, mover } from './support/moves.ts';
import { extensionsOf } from '@securestore/objects/internal';

const inOneGo = (backend: StorageBackend): StorageBackend => backend;

/** Holds requests up until they are released. */
function heldUp(isHeld: (call: BackendCall) => boolean) {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: sent, resolve: send } = Promise.withResolvers<void>();
  const late: Promise<unknown>[] = [];
  const slow = intercept(() => async (call, run) => {
    if (!isHeld(call)) return run(call.signal);
    send();
    const result = released.then(() => run(undefined));
    late.push(result.catch(() => undefined));
    return result;
  });
  return { slow, sent, release, late };
}

it.each([
  ['in batches', inOneGo],
  ['one by one', withoutBatch],
])(
  'what a run that died has sent %s, and comes late, takes the place of nothing that was written since',
  async (_, how) => {
    const clock = new EagerClock();
    const [from, to] = [usePlace(() => memoryPlace(() => clock.now())), usePlace(() => memoryPlace(() => clock.now()))];
    const store = await createAt(from, { clock });
    for (let n = 0; n < 5; n++) await store.store(`k/${n}`, 'before');
    // Its requests are on their way for very long.
    const { slow, sent, release, late } = heldUp(
      ({ operation, key }) => operation === 'batch' || (operation === 'write' && key?.startsWith('o/') === true),
    );
    const dead = createFaultInjector();
    const first = await mover(from, to, { clock, fromLayers: [dead.layer], toLayers: [how, slow] });
    void first.job.catch(() => undefined);
    await sent;
    dead.kill();
    // Whoever ran it has died, which shows after a while.
    clock.advance(60_000);
    await store.store('k/1', 'newer');
    await store.close();
    expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0 });
    const there = await openAt(to, { clock });
    await there.store('k/2', 'at the new place');
    release();
    await Promise.all(late);
    expect(late.length).toBeGreaterThan(0);
    expect((await there.retrieve('k/1')).text()).toBe('newer');
    expect((await there.retrieve('k/2')).text()).toBe('at the new place');
    expect(await there.verify()).toMatchObject({ findings: [] });
  },
);

it('what is written late where a store was, and comes while it moves back there, takes the place of no version of it', async () => {
  const clock = new EagerClock();
  const [from, to] = [usePlace(() => memoryPlace(() => clock.now())), usePlace(() => memoryPlace(() => clock.now()))];
  const first = await createAt(from, { clock });
  await first.store('k', 'first');
  // Versions are numbered one by one where a clock is behind.
  const behind: Clock = {
    now: () => clock.now() - 300_000,
    uptime: () => clock.uptime(),
    sleep: (time, signal) => clock.sleep(time, signal),
  };
  const store = await openAt(from, { clock: behind, ...following(to) });
  const idle = await openAt(from, { clock: behind });
  await move(from, to, { clock });
  expect(await store.has('k')).toBe(true);
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  const inOneLook = intercept(() => async ({ operation, key = '' }, run) => {
    if (operation === 'list' && key === workPrefix('writer')) await gate.promise;
    return run(undefined);
  });
  const { job, store: source } = await mover(to, from, { clock, fromLayers: [inOneLook] });
  let version: string | undefined;
  for await (const { phase } of job.progress) {
    if (phase !== 'announcing') continue;
    gate = Promise.withResolvers();
    await Promise.allSettled(['late 1', 'late 2', 'late 3'].map((late) => idle.store('k', late)));
    ({ version } = await store.store('k', 'good 1'));
    await store.store('k', 'good 2');
    gate.resolve();
    break;
  }
  expect(await job).toMatchObject({ migrated: true, failures: 0 });
  await source.close();
  const there = await openAt(from, { clock });
  expect((await there.retrieve('k', { version })).text()).toBe('good 1');
  expect(await contentsOf(from)).toEqual(await contentsOf(to));
  expect((await there.verify()).findings).toEqual([]);
});

it('what ends a migration that was given up, and comes late, has the next one begin anew', async () => {
  const clock = new EagerClock();
  const [from, to] = [usePlace(() => memoryPlace(() => clock.now())), usePlace(() => memoryPlace(() => clock.now()))];
  const store = await createAt(from, { clock, ignoreRedirect: true });
  await store.store('k', 'x');
  const { job, store: source } = await mover(from, to, { clock });
  for await (const { phase } of job.progress) if (phase === 'copying') break;
  await extensionsOf(store).migration.unregister('migration/');
  expect(await failure(job, 'CONFLICT')).toMatchObject({ retryable: true });
  await source.close();
  expect(await move(from, to, { clock })).toMatchObject({ migrated: true, failures: 0 });
});

it('what a run that seals anew has sent, and comes late, takes the place of nothing that was written since', async () => {
  const clock = new EagerClock();
  const [from, to] = [usePlace(() => memoryPlace(() => clock.now())), usePlace(() => memoryPlace(() => clock.now()))];
  const store = await createAt(from, { clock });
  for (let n = 0; n < 5; n++) await store.store(`k/${n}`, 'before');
  const { slow, sent, release, late } = heldUp(
    ({ operation, key }) => operation === 'write' && key?.startsWith(AREAS.objects) === true,
  );
  const dead = createFaultInjector();
  const reencrypt = { unlock: rawKey(Buffer.alloc(32, 9)) };
  const first = await mover(from, to, { clock, fromLayers: [dead.layer], toLayers: [slow], reencrypt });
  void first.job.catch(() => undefined);
  await sent;
  dead.kill();
  clock.advance(60_000);
  await store.store('k/1', 'newer');
  await store.close();
  expect(await move(from, to, { clock, reencrypt })).toMatchObject({ migrated: true, failures: 0 });
  const there = await openAt(to, { clock, unlock: reencrypt.unlock });
  for (let n = 2; n < 5; n++) await there.store(`k/${n}`, 'at the new place');
  release();
  await Promise.all(late);
  expect(late.length).toBeGreaterThan(0);
  expect((await there.retrieve('k/1')).text()).toBe('newer');
  for (let n = 2; n < 5; n++) expect((await there.retrieve(`k/${n}`)).text()).toBe('at the new place');
  expect(await there.verify()).toMatchObject({ findings: [] });
});
