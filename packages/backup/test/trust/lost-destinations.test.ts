import { describe, expect, it } from 'vitest';
import { failure } from '../../../objects/test/support/stores.ts';
import type { Alert } from '../../src/index.ts';
import { type BackedUp, backedUp, PLACE } from '../support/backed-up.ts';

/** The kinds of conditions of each destination, in the order of the list. */
async function conditions({ schedules }: Pick<BackedUp, 'schedules'>): Promise<readonly (readonly string[])[]> {
  return (await schedules.conditions()).map((one) => one.conditions.map(({ id }) => id));
}

describe('a destination that is not there any more', () => {
  it('is not begun again by a backup, a continuous backup or a schedule', async () => {
    const world = await backedUp({ k: 'x' });
    const { shelf, backups, schedules } = world;
    await schedules.add({ id: 'daily', cron: '0 3 * * *', task: 'backup', destination: PLACE });
    const mounted = shelf.places.get(PLACE);
    shelf.places.delete(PLACE);
    const error = await failure(backups.backup(PLACE), 'NOT_FOUND');
    expect(error.message).toContain(`no backup exists at ${PLACE} any more, though the store was backed up there`);
    expect(error.advice).toEqual([
      { id: 'check-store-url', url: PLACE },
      { id: 'replace-destination', destination: PLACE },
    ]);
    await failure(backups.startContinuous(PLACE), 'NOT_FOUND');
    expect(await schedules.runNow('daily')).toMatchObject({ error: 'NOT_FOUND' });
    expect((await (await shelf.at(PLACE)).list('', { limit: 10 })).entries).toEqual([]);
    expect(await backups.destinations()).toHaveLength(1);
    expect(await conditions(world)).toEqual([expect.arrayContaining(['unreachable', 'failed:daily'])]);
    // Once it is mounted again, the backups go on there.
    if (mounted !== undefined) shelf.places.set(PLACE, mounted);
    expect(await backups.backup(PLACE)).toMatchObject({ number: 2 });
  });

  it('is begun again once it was removed', async () => {
    const world = await backedUp({ k: 'x' });
    const { shelf, backups } = world;
    shelf.places.delete(PLACE);
    await backups.unregister(PLACE);
    expect(await backups.backup(PLACE)).toMatchObject({ number: 1, objects: 1 });
    expect(await backups.destinations()).toHaveLength(1);
    expect(await conditions(world)).toEqual([[]]);
  });

  it('may be followed by another one at its store URL, and each is removed by its id', async () => {
    const world = await backedUp({ k: 'x' });
    const { shelf, backups } = world;
    const first = shelf.places.get(PLACE);
    shelf.places.delete(PLACE);
    await backups.register(PLACE);
    const second = shelf.places.get(PLACE);
    await backups.backup(PLACE);
    const ids = (await backups.destinations()).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(await conditions(world)).toEqual([['replaced'], []]);
    // Two disks in turn at one URL are two destinations.
    if (first !== undefined) shelf.places.set(PLACE, first);
    expect(await backups.backup(PLACE)).toMatchObject({ number: 2 });
    expect(await conditions(world)).toHaveLength(2);
    if (second !== undefined) shelf.places.set(PLACE, second);

    const error = await failure(backups.unregister(PLACE), 'CONFLICT');
    for (const id of ids) expect(error.message).toContain(id);
    const [gone = '', present = ''] = ids;
    await backups.setRetention(PLACE, { last: 3 });
    await backups.unregister(gone);
    expect(await backups.destinations()).toMatchObject([{ id: present, retention: { last: 3 } }]);
    expect(await conditions(world)).toEqual([[]]);
    await failure(backups.unregister(gone), 'NOT_FOUND');
  });

  it('is an alert if the destination of another store took its place', async () => {
    const world = await backedUp({ k: 'x' });
    const other = await backedUp({ k: 'x' });
    const theirs = other.shelf.places.get(PLACE);
    if (theirs !== undefined) world.shelf.places.set(PLACE, theirs);
    await failure(world.backups.backup(PLACE), 'ALREADY_EXISTS');
    expect(await conditions(world)).toEqual([expect.arrayContaining(['unreachable'])]);
  });
});

it('a schedule whose destination was removed is a condition, and an alert that ends when it is registered again', async () => {
  const { backups, schedules } = await backedUp({ k: 'x' });
  const told: string[] = [];
  const sink = { name: 'a', send: async ({ event, id }: Alert): Promise<void> => void told.push(`${event} ${id}`) };
  await schedules.add({ id: 'daily', cron: '0 3 * * *', task: 'verify', destination: PLACE });
  await schedules.add({ id: 'paused', cron: '0 4 * * *', task: 'verify', destination: PLACE, paused: true });
  await backups.unregister(PLACE);
  const [found, ...others] = await schedules.conditions();
  expect(others).toEqual([]);
  expect(found).toMatchObject({
    destination: PLACE,
    id: '',
    conditions: [{ id: 'unregistered:daily', severity: 'critical' }],
  });
  await schedules.run({ once: true, sinks: [sink] });
  expect(told).toEqual(['begin unregistered:daily']);
  await backups.register(PLACE);
  expect(await conditions({ schedules })).toEqual([[]]);
  await schedules.run({ once: true, sinks: [sink] });
  expect(told).toEqual(['begin unregistered:daily', 'end unregistered:daily']);
});
