import { pointName } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { type BackedUp, backedUp, PLACE } from '../support/backed-up.ts';

const GONE = `the newest snapshot at ${PLACE} was 3, and is now 2: snapshots were removed or replaced`;

/** A store that was backed up three times, and whose last snapshot was removed at the destination. */
async function withoutNewest(): Promise<BackedUp> {
  const world = await backedUp({ a: 'one' });
  for (const value of ['two', 'three']) {
    await world.store.store('a', value);
    await world.backups.backup(PLACE);
  }
  await (await world.shelf.at(PLACE)).delete(pointName(3));
  return world;
}

describe('a store whose newest snapshot was removed at the destination', () => {
  it.each([['complete'], ['opens']] as const)('finds that when it verifies with the depth %s', async (depth) => {
    const { backups } = await withoutNewest();
    const report = await backups.verify(PLACE, { depth });
    expect(report).toMatchObject({ ok: false, found: 1, findings: [{ kind: 'rolled-back', message: GONE }] });
  });

  it('finds that when it verifies what is due', async () => {
    const { backups } = await withoutNewest();
    const report = await backups.verify(PLACE, { within: 3_600_000 });
    expect(report).toMatchObject({ ok: false, findings: [{ kind: 'rolled-back', message: GONE }] });
  });

  it('finds that in a drill, but for one of a snapshot that is there', async () => {
    const { backups } = await withoutNewest();
    expect(await backups.drill(PLACE)).toMatchObject({ ok: false, problems: [GONE], snapshot: 2 });
    expect(await backups.drill(PLACE, { snapshot: 1 })).toMatchObject({ ok: true, problems: [] });
  });

  it('says so in its health, and in runs of its schedules', async () => {
    const { schedules } = await withoutNewest();
    const [destination] = await schedules.conditions();
    expect(destination?.conditions).toEqual([
      {
        id: 'unreachable',
        severity: 'critical',
        message: `the destination ${PLACE} has only older backups than before (ROLLBACK): ${GONE}`,
        advice: 'find out who removed the newest ones, then back up there once more',
      },
    ]);
    await schedules.add({ id: 'check', task: 'verify', destination: PLACE, cron: '@daily' });
    expect(await schedules.runNow('check')).toMatchObject({ end: 'failure', error: 'INTEGRITY', message: GONE });
  });

  it('says so in every restore that asks for no snapshot of its own', async () => {
    const { backups, store } = await withoutNewest();
    expect(await backups.restore(PLACE, { keys: ['a'], dryRun: true })).toMatchObject({
      snapshot: 2,
      findings: [GONE],
    });
    expect(await backups.restore(PLACE, { keys: ['a'], conflict: 'overwrite' })).toMatchObject({ findings: [GONE] });
    expect(Buffer.from((await store.retrieve('a')).data).toString()).toBe('two');
    expect(await backups.restoreStore(PLACE, 'memory:other')).toMatchObject({ snapshot: 2, findings: [GONE] });
    expect(await backups.restore(PLACE, { snapshot: 1, keys: ['a'], dryRun: true })).toMatchObject({ findings: [] });
  });

  it('says so once, and not after the next backup', async () => {
    const { backups, schedules } = await withoutNewest();
    expect(await backups.backup(PLACE)).toMatchObject({ findings: [GONE] });
    expect(await backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true });
    expect(await backups.drill(PLACE)).toMatchObject({ ok: true });
    expect((await schedules.conditions())[0]?.conditions).toEqual([]);
  });
});

it('is not taken for removed: what a retention has removed, and only a note is newer', async () => {
  const world = await backedUp({ a: 'one' });
  await world.backups.backup(PLACE);
  await world.backups.forget(PLACE, () => [1]);
  expect(await world.backups.verify(PLACE)).toMatchObject({ ok: true });
  expect(await world.backups.drill(PLACE)).toMatchObject({ ok: true });
  expect(await world.backups.restore(PLACE, { keys: ['a'] })).toMatchObject({ findings: [] });
});
