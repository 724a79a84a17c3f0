import { intercept } from '@securestore/backend-api';
import type { Layer } from '@securestore/backend-api';
import { AREAS, HEAD_NAME, workPrefix } from '@securestore/core-format';
import { rawKey } from '@securestore/crypto';
import { expect, it } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';
import { memoryPlace } from '../../objects/test/support/places.ts';
import { createAt, openAt, patterned, usePlace } from '../../objects/test/support/stores.ts';
import { contentsOf, following, move, mover } from './support/moves.ts';
import { extensionsOf } from '@securestore/objects/internal';

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
  expect(await job).toMatchObject({ migrated: true, failures: 0 });
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
  expect(await move(from, to, { clock, fromLayers: [meanwhile] })).toMatchObject({ migrated: true, failed: [] });
  expect(step).toBe('done');
  expect(await contentsOf(to)).toEqual(await contentsOf(from));
});

it.each([
  ['as it is', undefined],
  ['sealed anew', { unlock: rawKey(Buffer.alloc(32, 8)) }],
] as const)(
  'what a purge deletes when it was followed already is not there in a store that moves %s',
  async (_, reencrypt) => {
    const clock = new EagerClock();
    const from = usePlace(() => memoryPlace(() => clock.now()));
    const to = usePlace(() => memoryPlace(() => clock.now()));
    let purging: Promise<boolean> | undefined;
    const buried = Promise.withResolvers<void>();
    const followed = Promise.withResolvers<void>();
    const deletesLate: Layer = intercept(() => async ({ operation, key = '' }, run) => {
      if (purging !== undefined && operation === 'delete' && key.startsWith(AREAS.history)) {
        buried.resolve();
        await followed.promise;
      }
      return run(undefined);
    });
    const store = await createAt(from, { clock, layers: [deletesLate], ...(reencrypt === undefined && following(to)) });
    await store.store('k', patterned(100_000, 4));
    for (const version of ['second', 'third', 'last']) await store.store('k', version);
    let heads = 0;
    const looksThen: Layer = intercept(() => async ({ operation, key = '' }, run) => {
      if (operation === 'write' && key === HEAD_NAME) heads += 1;
      // The third one says that it is about to move: from then on the journal alone is looked at.
      if (heads === 3 && operation === 'list' && key === workPrefix('writer')) {
        // By the head that is there now: a change of it has every commit announced once more.
        purging ??= extensionsOf(store)
          .migration.refresh()
          .then(() => store.purge('k'));
        await buried.promise;
      }
      return run(undefined);
    });
    const bringsThen: Layer = intercept(() => async ({ operation }, run) => {
      const result = await run(undefined);
      if (purging !== undefined && (operation === 'write' || operation === 'batch')) {
        followed.resolve();
        await purging;
      }
      return result;
    });
    const { job, store: source } = await mover(from, to, {
      clock,
      fromLayers: [looksThen],
      toLayers: [bringsThen],
      ...(reencrypt && { reencrypt }),
    });
    expect(await job).toMatchObject({ migrated: true, failures: 0 });
    expect(await purging).toBe(true);
    await source.close();
    const there = await openAt(to, { clock, ...(reencrypt && { unlock: reencrypt.unlock }) });
    expect(await there.verify()).toMatchObject({ ok: true, findings: [] });
    expect([...(await contentsOf(to)).keys()].filter((name) => /^[hb]\//.test(name))).toEqual([]);
  },
);

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
  expect(await move(from, to, { clock, fromLayers: [meanwhile] })).toMatchObject({ migrated: true, failed: [] });
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
      await store.encryptionKeys.destroy('pii');
    }
    return run(undefined);
  });
  const { job } = await mover(from, to, { clock, fromLayers: [meanwhile] });
  for await (const { phase } of job.progress) isAnnounced ||= phase === 'announcing';
  expect(await job).toMatchObject({ migrated: true, failed: [] });
  expect(changed).toBe(true);
  expect((await store.retrieve('k')).text()).toBe('x');
  expect(store.url).toBe(to.url);
});
