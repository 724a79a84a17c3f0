import { createFaultInjector } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import { systemClock } from '@securestore/jobs';
import type { Clock } from '@securestore/jobs';
import { expect, it } from 'vitest';
import { memoryPlace } from '../../support/places.ts';
import { createAt, failure, openAt, usePlace } from '../../support/stores.ts';

const DAY = 24 * 60 * 60 * 1000;

/** The machine's clocks, which a test can put forward. */
function movableClock(): Clock & { forward: (milliseconds: number) => void } {
  const real = systemClock();
  let ahead = 0;
  return {
    ...real,
    now: () => real.now() + ahead,
    uptime: () => real.uptime() + ahead,
    forward: (milliseconds) => void (ahead += milliseconds),
  };
}

it('a collection keeps what the history says, and forgets what has expired, and leaves no job behind', async () => {
  const clock = movableClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, history: { versions: 2, days: 1 } });
  for (let n = 0; n < 6; n++) await store.store('k', `version ${n}`);
  await store.store('fleeting', 'x', { expires: new Date(clock.now() + 60_000) });
  expect(await store.gc()).toMatchObject({ objects: 2, versions: 0, expired: 0, failed: 0 });
  expect(await store.history('k')).toHaveLength(6);
  clock.forward(3 * DAY);
  expect(await store.gc()).toMatchObject({ objects: 2, versions: 3, expired: 1, failed: 0 });
  expect(await store.history('k')).toHaveLength(3);
  expect((await store.retrieve('k')).text()).toBe('version 5');
  expect(await store.jobs.list()).toEqual([]);
});

it('a collection tells how many objects it has to look at, also where it goes on', async () => {
  const store = await createAt(
    usePlace(() => memoryPlace()),
    {},
  );
  for (let n = 0; n < 30; n++) await store.store(`k${n}`, 'data');
  const seen = await Array.fromAsync(store.gc().progress);
  const told = seen.filter(({ phase, done }) => phase === 'collecting' && done > 0);
  expect(told.length).toBeGreaterThan(0);
  expect(told.every(({ total }) => total === 30)).toBe(true);
});

it('a collection that was stopped is gone on with by another process', async () => {
  const clock = movableClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(place, { clock, history: { versions: 0, days: 0 } });
  for (let n = 0; n < 40; n++) {
    await store.store(`k${n}`, 'old');
    await store.store(`k${n}`, 'new');
  }
  clock.forward(3 * DAY);
  const job = store.gc();
  const first = job.progress[Symbol.asyncIterator]();
  await first.next();
  job.cancel('enough');
  const early = await job.then(
    () => true,
    () => false,
  );
  const other = await openAt(place, { clock });
  if (!early)
    expect((await other.jobs.list()).map(({ kind, state }) => [kind, state])).toEqual([['collection', 'interrupted']]);
  await other.gc();
  for (let n = 0; n < 40; n++) expect(await other.history(`k${n}`)).toHaveLength(1);
  expect(await other.jobs.list()).toEqual([]);
  await failure(other.jobs.cancel('collection'), 'NOT_FOUND');
});

it('a damaged state of a job is listed, and the job begins anew', async () => {
  const clock = movableClock();
  const place = usePlace(() => memoryPlace(() => clock.now()));
  const injector = createFaultInjector();
  const full = new SecureStoreError('NO_SPACE', 'full');
  const store = await createAt(place, { clock, layers: [injector.layer] });
  await store.store('k', 'data');
  const backend = await place.open();
  injector.plan(({ operation }) => (operation === 'list' ? { type: 'fail', error: full } : undefined));
  await failure(store.gc(), 'NO_SPACE');
  injector.plan(undefined);
  for (const { key } of (await backend.list('w/job/')).entries) await backend.write(key, Buffer.from('damaged'));
  expect(await store.jobs.list()).toMatchObject([{ id: 'collection', state: 'damaged', error: 'INTEGRITY' }]);
  clock.forward(60_000);
  expect(await store.gc()).toMatchObject({ objects: 1, failed: 0 });
  expect(await store.jobs.list()).toEqual([]);
});
