import { pointName } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { affectsNewest } from '../../src/trust/failed-checks.ts';
import { type BackedUp, backedUp, PLACE } from '../support/backed-up.ts';

/** Removes the files of a destination whose names begin so. */
async function remove({ shelf }: BackedUp, prefix: string): Promise<void> {
  const backend = await shelf.at(PLACE);
  const { entries } = await backend.list(prefix, { limit: 100 });
  expect(entries.length).toBeGreaterThan(0);
  for (const { key } of entries) await backend.delete(key);
}

/** The conditions of the destination, each with its severity and advice. */
async function conditions({ schedules }: BackedUp): Promise<readonly (readonly string[])[]> {
  const [destination] = await schedules.conditions();
  return (destination?.conditions ?? []).map(({ id, severity, advice }) => [id, severity, advice]);
}

describe('a verification by hand that fails', () => {
  it.each([
    ['a pack', 'd/'],
    ['a payload', 'b/'],
  ])('counts for health, and the next backup copies %s again', async (_, prefix) => {
    const world = await backedUp({ small: 'x', large: Buffer.alloc(300_000, 1) });
    const { backups } = world;
    expect(await conditions(world)).toEqual([]);
    await remove(world, prefix);
    expect(await backups.verify(PLACE)).toMatchObject({ ok: false });
    expect(await conditions(world)).toEqual([
      [
        'failed-check:verify',
        'critical',
        expect.stringMatching(/^back up there once more, .* copies everything again/),
      ],
    ]);

    const report = await backups.backup(PLACE);
    expect(report.copied.versions).toBe(2);
    expect(report.findings).toEqual([expect.stringMatching(/damaged files are copied again/)]);
    expect(await conditions(world)).toEqual([
      ['failed-check:verify', 'warning', expect.stringMatching(/^the last backup has copied everything again/)],
    ]);
    // Once is enough.
    expect(await backups.backup(PLACE)).toMatchObject({ copied: { versions: 0 }, findings: [] });

    // The first snapshot cannot be mended: it still needs the file.
    expect(await backups.verify(PLACE)).toMatchObject({ ok: false });
    expect(await conditions(world)).toEqual([
      ['failed-check:verify', 'warning', expect.stringMatching(/^only older snapshots are damaged/)],
    ]);
    expect(await backups.backup(PLACE)).toMatchObject({ copied: { versions: 0 } });
    await backups.forget(PLACE, () => [1]);
    expect(await backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true });
    expect(await conditions(world)).toEqual([]);
  });

  it('of a share is forgotten only when everything was read since', async () => {
    const world = await backedUp({ small: 'x', large: Buffer.alloc(300_000, 1) });
    const { backups, shelf } = world;
    const backend = await shelf.at(PLACE);
    const { entries } = await backend.list('d/', { limit: 1 });
    const key = entries[0]?.key ?? '';
    const kept = await backend.read(key);
    await backend.delete(key);
    expect(await backups.verify(PLACE)).toMatchObject({ ok: false });
    await backend.write(key, kept?.body ?? Buffer.alloc(0));
    const share = await backups.verify(PLACE, { within: 9 * 365 * 24 * 3_600_000 });
    expect(share).toMatchObject({ ok: true });
    expect(share.rolling?.checkedSince).toBeUndefined();
    expect(await conditions(world)).toEqual([['failed-check:verify', 'critical', expect.any(String)]]);
    for (let runs = 0; runs < 20 && (await conditions(world)).length > 0; runs++) {
      world.clock.advance(1_800_000);
      expect(await backups.verify(PLACE, { within: 3_600_000 })).toMatchObject({ ok: true });
    }
    expect(await conditions(world)).toEqual([]);
  });
});

describe('a scheduled verification', () => {
  const SCHEDULE = { id: 'check', cron: '0 3 * * *', task: 'verify', destination: PLACE } as const;

  it('that finds older snapshots alone damaged does not count as a failing backup', async () => {
    const world = await backedUp({ small: 'x', large: Buffer.alloc(300_000, 1) });
    const { backups, schedules, clock } = world;
    await schedules.add(SCHEDULE);
    await remove(world, 'b/');
    const damaged = await schedules.runNow('check');
    expect(damaged).toMatchObject({
      end: 'failure',
      error: 'INTEGRITY',
      advice: [{ id: 'verify-backup' }, { id: 'make-snapshot' }],
    });
    expect(await conditions(world)).toEqual([
      ['failed-check:verify', 'critical', expect.any(String)],
      ['failed:check', 'critical', 'run "securestore schedule run check" to see why'],
    ]);
    await backups.backup(PLACE);
    expect(await conditions(world)).toEqual([
      ['failed-check:verify', 'warning', expect.any(String)],
      [
        'failed:check',
        'warning',
        'the last backup has copied everything again: verify it by "securestore schedule run check"',
      ],
    ]);
    clock.advance(3_600_000);
    const older = await schedules.runNow('check');
    expect(older).toMatchObject({
      end: 'failure',
      error: 'INTEGRITY',
      advice: [{ id: 'verify-backup' }, { id: 'set-retention' }],
    });
    const removed = /only older snapshots are damaged: .*"securestore retention memory:backups --damaged" removes /;
    expect(await conditions(world)).toEqual([
      ['failed-check:verify', 'warning', expect.stringMatching(removed)],
      ['failed:check', 'warning', expect.stringMatching(removed)],
    ]);
    await backups.setRetention(PLACE, { daily: 14 });
    const kept = await schedules.runNow('check');
    expect(kept.advice).toEqual([{ id: 'verify-backup', destination: PLACE }]);
    // The newest one is damaged again.
    await remove(world, 'b/');
    await schedules.runNow('check');
    expect((await conditions(world)).map(([id, severity]) => [id, severity])).toEqual([
      ['failed-check:verify', 'critical'],
      ['failed:check', 'critical'],
    ]);
  });

  it('advises to remove snapshots whose own files are damaged', async () => {
    const world = await backedUp({ small: 'x' });
    const { backups, schedules, shelf } = world;
    await schedules.add(SCHEDULE);
    await backups.backup(PLACE, { label: 'second' });
    const backend = await shelf.at(PLACE);
    const name = pointName(1);
    const body = Buffer.from((await backend.read(name))?.body ?? expect.unreachable());
    body[body.length >> 1] = (body[body.length >> 1] ?? 0) ^ 1;
    await backend.write(name, body);
    const { advice, error } = await schedules.runNow('check');
    expect({ advice, error }).toEqual({
      error: 'INTEGRITY',
      advice: [
        { id: 'verify-backup', destination: PLACE },
        { id: 'remove-damaged-snapshots', destination: PLACE },
      ],
    });
    await backups.retain(PLACE, { damaged: true });
    expect(await schedules.runNow('check')).toMatchObject({ end: 'success' });
    expect(await conditions(world)).toEqual([]);
  });

  it('of a share without damage to the newest snapshot leaves what is known of it', async () => {
    const world = await backedUp({ small: 'x', large: Buffer.alloc(300_000, 1) });
    const { backups, shelf, store } = world;
    await store.purge('large');
    await backups.backup(PLACE);
    const backend = await shelf.at(PLACE);
    const kept = await Promise.all(
      (await backend.list('d/', { limit: 100 })).entries.map(async ({ key }) => ({
        key,
        found: await backend.read(key),
      })),
    );
    await remove(world, 'd/');
    await remove(world, 'b/');
    expect(await backups.verify(PLACE)).toMatchObject({ ok: false, affectsNewest: true });
    for (const { key, found } of kept) await backend.write(key, found?.body ?? Buffer.alloc(0));
    const share = await backups.verify(PLACE, { within: 9 * 365 * 24 * 3_600_000 });
    expect(share).toMatchObject({ ok: false, affectsNewest: false });
    expect(await conditions(world)).toEqual([['failed-check:verify', 'critical', expect.any(String)]]);
  });
});

it('findings that are not listed may affect the newest snapshot', () => {
  const finding = { kind: 'missing', name: 'b/x', message: 'missing', snapshots: [1], versions: 1, keys: [] } as const;
  expect(affectsNewest(2, { found: 1, findings: [finding] })).toBe(false);
  expect(affectsNewest(1, { found: 1, findings: [finding] })).toBe(true);
  expect(affectsNewest(2, { found: 2, findings: [finding] })).toBe(true);
});

describe('a drill by hand that fails', () => {
  it('counts for health until one succeeds', async () => {
    const world = await backedUp({ small: 'x', large: Buffer.alloc(300_000, 1) });
    const { backups } = world;
    const backend = await world.shelf.at(PLACE);
    const [first] = (await backend.list('d/', { limit: 1 })).entries;
    const kept = await backend.read(first?.key ?? '');
    await remove(world, 'd/');
    expect(await backups.drill(PLACE)).toMatchObject({ ok: false });
    expect(await conditions(world)).toEqual([
      ['failed-check:drill', 'critical', expect.stringContaining('securestore verify')],
    ]);
    await backend.write(first?.key ?? '', kept?.body ?? Buffer.alloc(0));
    expect(await backups.drill(PLACE)).toMatchObject({ ok: true });
    expect(await conditions(world)).toEqual([]);
  });
});
