import { intercept } from '@securestore/backend-api';
import type { Layer } from '@securestore/backend-api';
import { AREAS, workPrefix } from '@securestore/core-format';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, openAt, usePlace } from '../../objects/test/support/stores.ts';
import { contentsOf, following, move, mover } from './support/moves.ts';

it('a version that comes while its object is looked at once more is not overlooked', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryPlace(() => clock.now()));
  const to = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(from, { clock, ...following(to) });
  await store.store('k', 'before');
  let lists = 0;
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  const afterHistory: Layer = intercept(() => async ({ operation, key = '' }, run) => {
    if (operation === 'list' && key.startsWith(AREAS.journal)) await gate.promise;
    const result = await run(undefined);
    if (lists > 0 && operation === 'list' && key.startsWith(AREAS.history) && key.length > AREAS.history.length) {
      lists -= 1;
      if (lists === 0) await store.store('k', 'last');
    }
    return result;
  });
  const { job, store: source } = await mover(from, to, { clock, fromLayers: [afterHistory] });
  for await (const { phase } of job.progress) {
    if (phase !== 'announcing') continue;
    gate = Promise.withResolvers();
    // What follows a purge is not linked to what was copied.
    await store.purge('k');
    await store.store('k', 'first');
    // One by who reads the journal, one by who copies.
    lists = 2;
    gate.resolve();
    break;
  }
  expect(await job).toMatchObject({ moved: true, failures: 0 });
  await source.close();
  expect(lists).toBe(0);
  const there = await openAt(to, { clock });
  const [last, first] = await there.history('k');
  expect((await there.retrieve('k', { version: last?.version })).text()).toBe('last');
  expect((await there.retrieve('k', { version: first?.version })).text()).toBe('first');
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

it('a new object that changes while its first change is looked for is not taken for one that is gone', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryPlace(() => clock.now()));
  const to = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(from, { clock, ...following(to) });
  await store.store('before', 'x');
  let listings = 0;
  let step: 'compared' | 'announced' | 'done' | undefined;
  const meanwhile: Layer = intercept(() => async ({ operation, key = '' }, run) => {
    // To copy, for what came while that began, and to compare.
    if (operation === 'list' && key === AREAS.objects && ++listings === 3) step = 'compared';
    else if (step === 'compared' && operation === 'list' && key === workPrefix('writer')) {
      step = 'announced';
      await store.store('new', 'first');
    } else if (step === 'announced' && operation === 'read' && key.startsWith(AREAS.objects)) {
      step = 'done';
      await store.store('new', 'second');
    }
    return run(undefined);
  });
  expect(await move(from, to, { clock, fromLayers: [meanwhile] })).toMatchObject({ moved: true, failed: [] });
  expect(step).toBe('done');
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

it('a checkpoint that knows more than what was followed so far is no proof of damage', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryPlace(() => clock.now()));
  const to = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(from, { clock, ...following(to) });
  await store.store('k', 'first');
  let listings = 0;
  let step: 'compared' | 'done' | undefined;
  const meanwhile: Layer = intercept(() => async ({ operation, key = '' }, run) => {
    if (operation === 'list' && key === AREAS.objects && ++listings === 3) step = 'compared';
    const result = await run(undefined);
    if (step === 'compared' && operation === 'write' && key.startsWith(workPrefix('consumer'))) {
      step = 'done';
      await store.store('k', 'second');
      await store.store('new', 'x');
      await store.checkpoint();
    }
    return result;
  });
  expect(await move(from, to, { clock, fromLayers: [meanwhile] })).toMatchObject({ moved: true, failed: [] });
  expect(step).toBe('done');
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

it('a change of keys that comes while it is about to close is no damage', async () => {
  const clock = new EagerClock();
  const from = usePlace(() => memoryPlace(() => clock.now()));
  const to = usePlace(() => memoryPlace(() => clock.now()));
  const store = await createAt(from, { clock, categories: { pii: ['people/**'] }, ...following(to) });
  await store.store('k', 'x');
  let isAnnounced = false;
  let changed = false;
  const meanwhile: Layer = intercept(() => async ({ operation, key = '' }, run) => {
    if (isAnnounced && !changed && operation === 'read' && key.startsWith(AREAS.keyrings)) {
      changed = true;
      // The head names another keyring, and the one before is removed.
      await store.keys.destroy('pii');
    }
    return run(undefined);
  });
  const { job } = await mover(from, to, { clock, fromLayers: [meanwhile] });
  for await (const { phase } of job.progress) isAnnounced ||= phase === 'announcing';
  expect(await job).toMatchObject({ moved: true, failed: [] });
  expect(changed).toBe(true);
  expect((await store.retrieve('k')).text()).toBe('x');
  expect(store.location).toBe(to.location);
});
