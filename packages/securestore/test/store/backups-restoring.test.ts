import { describe, expect, test } from 'vitest';
import { listSnapshots, readSnapshot } from '../../src/index.ts';
import { backedUp } from '../support/backup-world.ts';

const HOUR = 3_600_000;

async function changed() {
  const all = await backedUp();
  const { world, store } = all;
  world.clock.advance(HOUR);
  await store.store('db/a', 'third');
  await store.delete('db/b');
  await store.store('db/extra', 'later');
  return all;
}

async function interrupted() {
  const { world, store } = await changed();
  const ending = new AbortController();
  const job = store.restore(world.backup, { conflict: 'overwrite', signal: ending.signal });
  const stopped = job.catch((error: unknown) => error);
  for await (const { phase } of job.progress) if (phase === 'restoring') break;
  ending.abort();
  expect(await stopped).toMatchObject({ code: 'ABORTED' });
  const other = await world.open({ create: false });
  await expect(other.store('x', 'y')).rejects.toMatchObject({
    code: 'LOCKED',
    reason: 'restoring',
    advice: [{ id: 'resume-restore' }, { id: 'give-up-restore' }],
  });
  return { world, other };
}

describe('restoring into a store', () => {
  test.each([
    ['skip', { created: 1, skipped: 1 }, 'third'],
    ['newer', { created: 1, skipped: 1 }, 'third'],
    ['overwrite', { created: 1, replaced: 1 }, 'second'],
    ['rename', { created: 1, renamed: 1 }, 'third'],
  ] as const)('with the policy %s', async (conflict, counts, text) => {
    const { world, store } = await changed();
    const options = { prefix: 'db/', conflict };
    const dry = await store.restore(world.backup, { ...options, dryRun: true });
    expect(dry).toMatchObject({ ...counts, dryRun: true, conflicts: ['db/a'] });
    expect(await store.list('db/')).toEqual(['db/a', 'db/extra']);
    expect(await store.restore(world.backup, options)).toMatchObject({ ...counts, failed: [], conflicts: ['db/a'] });
    expect((await store.retrieve('db/a')).text()).toBe(text);
    expect((await store.retrieve('db/b')).text()).toBe('b');
    expect((await store.info('db/b')).expires).toEqual(new Date(Date.UTC(2099, 0, 1)));
    const beside = conflict === 'rename' ? ['db/a (restored)'] : [];
    expect(await store.list('db/')).toEqual(['db/a', ...beside, 'db/b', 'db/extra']);
    if (conflict === 'overwrite') {
      expect((await store.history('db/a')).length).toBe(4);
      const again = await store.restore(world.backup, options);
      expect(again).toMatchObject({ created: 0, replaced: 0, unchanged: 2 });
    }
  });

  test('with the policy fail changes nothing where something is in the way', async () => {
    const { world, store } = await changed();
    await expect(store.restore(world.backup, { prefix: 'db/' })).rejects.toMatchObject({
      code: 'CONFLICT',
      key: 'db/a',
    });
    expect(await store.list('db/')).toEqual(['db/a', 'db/extra']);
    expect(await store.restore(world.backup, { keys: ['db/b'] })).toMatchObject({ created: 1 });
  });

  test('under other names, and with what came later deleted', async () => {
    const { world, store } = await changed();
    expect(await store.restore(world.backup, { prefix: 'db/', into: 'old/' })).toMatchObject({ created: 2 });
    expect((await store.retrieve('old/a')).metadata).toEqual({ owner: 'ops' });
    const report = await store.restore(world.backup, { prefix: 'db/', conflict: 'overwrite', deleteExtra: true });
    expect(report).toMatchObject({ created: 1, replaced: 1, deleted: 1 });
    expect(await store.list('db/')).toEqual(['db/a', 'db/b']);
    await store.undelete('db/extra');
    expect((await store.retrieve('db/extra')).text()).toBe('later');
  });

  test('as a whole makes a snapshot first, locks others out meanwhile, and opens again', async () => {
    const { world, store } = await changed();
    const other = await world.open({ create: false });
    const job = store.restore(world.backup, { conflict: 'overwrite', deleteExtra: true });
    const report = await job;
    expect(report).toMatchObject({ snapshot: 1, before: 2, created: 1, replaced: 1, deleted: 1 });
    expect(await store.list()).toEqual(['db/a', 'db/b', 'large', 'web/c']);
    await other.store('after', 'goes');
    await store.restore(world.backup, { snapshot: 2, conflict: 'overwrite' });
    expect((await store.retrieve('db/a')).text()).toBe('third');
    expect((await store.retrieve('db/extra')).text()).toBe('later');
  });

  test('as a whole that is interrupted is gone on with by the same call, and not with what was there before it', async () => {
    const { world, other } = await interrupted();
    expect(await listSnapshots(world.backup, world.secret)).toHaveLength(2);
    const report = await other.restore(world.backup, { conflict: 'overwrite' });
    expect(report).toMatchObject({ snapshot: 1, failed: [] });
    expect(report.before).toBeUndefined();
    expect((await other.retrieve('db/a')).text()).toBe('second');
    await other.store('x', 'y');
    expect(
      await readSnapshot(world.backup, { ...world.secret, snapshot: 2 }, async (view) => view.list('db/')),
    ).toEqual(['db/a', 'db/extra']);
  });

  test('as a whole that is interrupted can be given up', async () => {
    const { other } = await interrupted();
    await other.backups.endRestore();
    await other.store('x', 'y');
    expect((await other.retrieve('x')).text()).toBe('y');
  });

  test('in part, or only in thought, lets nobody write while the whole is being restored', async () => {
    const { world, other } = await interrupted();
    await other.restore(world.backup, { conflict: 'overwrite', dryRun: true }).catch(() => undefined);
    await other.restore(world.backup, { prefix: 'db/', dryRun: true }).catch(() => undefined);
    await expect(other.restore(world.backup, { keys: ['db/b'], conflict: 'skip' })).rejects.toMatchObject({
      code: 'LOCKED',
    });
    await expect(other.store('x', 'y')).rejects.toMatchObject({ code: 'LOCKED' });
  });
});
