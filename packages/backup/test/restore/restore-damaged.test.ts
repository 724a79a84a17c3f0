import { describe, expect, it } from 'vitest';
import { failure } from '../../../objects/test/support/stores.ts';
import type { RestoredObject } from '../../src/index.ts';
import { restoreInto } from '../../src/index.ts';
import { backupAt, reached, snapshotAt, worldOf } from '../support/worlds.ts';

/** A store with a snapshot, and a newer version of `k`, which no snapshot has, that is damaged. */
async function scene() {
  const { store, source: place, destination, clock } = await worldOf();
  await store.store('a', 'beside');
  await store.store('k', 'one', { metadata: { n: 1 } });
  await store.store('k', 'two');
  await snapshotAt(store, destination);
  await store.store('k', 'three');
  const backend = await reached(place);
  const { entries } = await backend.list('o/');
  let damaged = 0;
  for (const { key } of entries) {
    const body = Buffer.from((await backend.read(key))?.body ?? []);
    // That of `k` is the shorter one.
    if (body.length !== Math.min(...entries.map(({ size }) => size ?? 0))) continue;
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    await backend.write(key, body);
    damaged += 1;
  }
  expect(damaged).toBe(1);
  await failure(store.retrieve('k'), 'INTEGRITY');
  const backup = await backupAt(destination, clock);
  return { store, source: await backup.open({}) };
}

describe('a restore over a record that is damaged', () => {
  it.each([{}, { prefix: 'k' }, { keys: ['k'] }])(
    'with "overwrite" makes a new version, and the history stays: %o',
    async (options) => {
      const { store, source } = await scene();
      const told: RestoredObject[] = [];
      const onObject = (object: RestoredObject): void => void told.push(object);
      const call = { ...options, conflict: 'overwrite' as const, onObject };
      expect(await restoreInto(source, store, { ...call, dryRun: true })).toMatchObject({ replaced: 1, failed: [] });
      await failure(store.retrieve('k'), 'INTEGRITY');
      const report = await restoreInto(source, store, call);
      expect(report).toMatchObject({ replaced: 1, created: 0, failed: [], conflicts: ['k'] });
      expect(told.filter(({ key }) => key === 'k')).toEqual(
        ['planned', 'done'].map(() => ({ key: 'k', type: 'replace', bytes: 3 })),
      );
      expect((await store.retrieve('k')).text()).toBe('two');
      const versions = (await store.history('k')).map(async ({ version }) =>
        (await store.retrieve('k', { version })).text(),
      );
      expect(await Promise.all(versions)).toEqual(['two', 'two', 'one']);
      expect(await store.verify({ payloads: true })).toMatchObject({ ok: true, findings: [] });
      expect(await restoreInto(source, store, call)).toMatchObject({ replaced: 0, failed: [] });
    },
  );

  it('with "fail" changes nothing, and advises what to do', async () => {
    const { store, source } = await scene();
    await store.delete('a');
    const { message, key, advice } = await failure(restoreInto(source, store), 'CONFLICT');
    expect(key).toBe('k');
    expect(message).toBe('the record of "k" is damaged. It was not changed.');
    expect(advice).toEqual([
      { id: 'repair-object', key: 'k' },
      { id: 'restore-object', key: 'k' },
      { id: 'overwrite-damaged', key: 'k' },
    ]);
    expect(await store.has('a')).toBe(false);
    expect(await restoreInto(source, store, { dryRun: true })).toMatchObject({
      conflicts: ['k'],
      failed: [{ key: 'k', code: 'CONFLICT' }],
    });
  });

  it.each(['skip', 'newer'] as const)('with "%s" restores the others, and names it', async (conflict) => {
    const { store, source } = await scene();
    await store.delete('a');
    const report = await restoreInto(source, store, { conflict });
    expect(report).toMatchObject({ created: 1, skipped: 0, replaced: 0, conflicts: ['k'] });
    expect(report.failed).toMatchObject([
      { key: 'k', code: 'CONFLICT', message: 'the record of "k" is damaged. It was not changed.' },
    ]);
    await failure(store.retrieve('k'), 'INTEGRITY');
  });

  it('with "rename" restores beside it', async () => {
    const { store, source } = await scene();
    expect(await restoreInto(source, store, { conflict: 'rename' })).toMatchObject({ renamed: 1, failed: [] });
    expect((await store.retrieve('k (restored)')).text()).toBe('two');
    await failure(store.retrieve('k'), 'INTEGRITY');
  });
});
