import { forwardTo } from '@securestore/backend-api';
import { pointName } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { failure } from '../../../objects/test/support/stores.ts';
import { RecoveryPoints, Schedules } from '../../src/index.ts';
import {
  backupsOf,
  connectTo,
  contentsAt,
  contentsOf,
  filesAt,
  reached,
  restoredFrom,
  worldOf,
} from '../support/worlds.ts';

/** A store that was backed up, and a copy that was restored from that. */
async function withCopy() {
  const { store, destination, clock } = await worldOf();
  await store.store('a', 'one');
  const backups = backupsOf(store, [destination]);
  await backups.backup(destination.url);
  const { store: copy } = await restoredFrom(destination, clock);
  await copy.store('a', 'of the copy');
  return { store, copy, destination, clock, backups, copied: backupsOf(copy, [destination]), url: destination.url };
}

/** The facts about the only destination of a store. */
async function belongsTo({ copy, copied, destination }: Awaited<ReturnType<typeof withCopy>>) {
  const schedules = new Schedules(copy, copied, connectTo([destination]));
  const [only] = await schedules.conditions();
  return { owner: only?.facts.belongsTo, ids: only?.conditions.map(({ id }) => id) };
}

describe('a restored store', () => {
  it('leaves the backups of the store that it was restored from alone, and leaves no job', async () => {
    const scene = await withCopy();
    const { copy, destination, backups, copied, url } = scene;
    const before = await filesAt(destination);
    for (const call of ['backup', 'register', 'startContinuous'] as const) {
      const refused = await failure(copied[call](url), 'CONFLICT');
      expect(refused.message).toContain('has the backups of the store that this one was restored from');
      expect(refused.advice).toEqual([{ id: 'choose-store-url' }, { id: 'take-over-destination', destination: url }]);
    }
    expect((await copy.jobs.list()).filter(({ state }) => state === 'interrupted')).toEqual([]);
    await failure(copied.backup(url, { takeOver: false }), 'CONFLICT');
    expect(await belongsTo(scene)).toEqual({ owner: 'source', ids: ['other-copy'] });
    expect(await filesAt(destination)).toEqual(before);
    expect(await backups.backup(url)).toMatchObject({ number: 2, findings: [] });
  });

  it('that took them over in the middle of a backup of the other leaves no job there to resume', async () => {
    const { store, destination, clock, copied, url } = await withCopy();
    let isTaken = false;
    const backups = backupsOf(store, [destination], () => ({
      wrap: (backend) =>
        forwardTo(backend, {
          async write(key, body, options) {
            if (key.startsWith('d/') && !isTaken) {
              isTaken = true;
              await copied.backup(url, { takeOver: true });
            }
            return backend.write(key, body, options);
          },
        }),
    }));
    clock.advance(1000);
    await store.store('b', 'two');
    await failure(backups.backup(url), 'CONFLICT');
    expect(isTaken).toBe(true);
    expect(await store.jobs.list()).toEqual([]);
  });

  it('takes them over if it is told to; then they are its own, and not those of the other any more', async () => {
    const { copy, destination, clock, backups, copied, store, url } = await withCopy();
    expect(await copied.backup(url, { takeOver: true })).toMatchObject({ number: 2, findings: [] });
    expect(await copied.backup(url)).toMatchObject({ number: 3 });
    expect(await contentsAt(destination, clock)).toEqual(await contentsOf(copy));
    const refused = await failure(backups.backup(url), 'CONFLICT');
    expect(refused.advice).toEqual([{ id: 'choose-store-url' }, { id: 'unregister-destination', destination: url }]);
    // It is no copy of the one that has them now, so it cannot take them back.
    await failure(backups.backup(url, { takeOver: true }), 'CONFLICT');
    const first = await belongsTo({ store, destination, clock, backups, copy: store, copied: backups, url });
    expect(first).toEqual({ owner: 'copy', ids: ['other-copy'] });
  });

  it('that has taken them over is named to the other, which cannot read them any more', async () => {
    const { store, destination, copied, backups, url } = await withCopy();
    await copied.backup(url, { takeOver: true });
    const points = new RecoveryPoints(store, backups, connectTo([destination]));
    const calls: (() => PromiseLike<unknown>)[] = [
      () => backups.list(url),
      () => backups.list(url, { onDamaged: () => undefined }),
      () => backups.windows(url),
      () => backups.verify(url),
      () => backups.drill(url),
      () => backups.restore(url),
      () => backups.restore(url, { snapshot: 1 }),
      () => points.timeline(url),
    ];
    for (const call of calls) {
      const refused = await failure(call(), 'CONFLICT');
      expect(refused.message).toBe(
        `${url} names another copy of this store as the owner of its backups, which are under keys that this store does not have. Each copy needs its own destination.`,
      );
      expect(refused.advice).toEqual([
        { id: 'make-snapshot' },
        { id: 'unregister-destination', destination: url },
        { id: 'restore-store', destination: url },
      ]);
    }
    expect(await copied.verify(url)).toMatchObject({ findings: [] });
  });

  it('reads those of the other, which has gone on, as long as it has their keys', async () => {
    const { store, copied, backups, clock, url } = await withCopy();
    clock.advance(1000);
    await store.checkpoint();
    await store.store('c', 'three');
    await backups.backup(url);
    await failure(copied.backup(url), 'CONFLICT');
    expect((await copied.list(url)).map(({ number }) => number)).toEqual([2, 1]);
    expect(await copied.verify(url)).toMatchObject({ findings: [] });
  });

  it('reports damage of those of the other as damage', async () => {
    const { store, copied, backups, destination, url } = await withCopy();
    await store.checkpoint();
    await backups.backup(url);
    const backend = await reached(destination);
    await backend.write(pointName(2), Buffer.from('no point'), {});
    expect(await copied.verify(url)).toMatchObject({ ok: false });
  });

  it('takes them over when it registers the destination, if it is told to', async () => {
    const scene = await withCopy();
    const { copied, url } = scene;
    await copied.register(url, { takeOver: true });
    expect(await copied.backup(url)).toMatchObject({ number: 2 });
    expect(await belongsTo(scene)).toEqual({ owner: undefined, ids: [] });
  });

  it('has schedules fail until it was told to by hand', async () => {
    const { copy, destination, copied, url } = await withCopy();
    const schedules = new Schedules(copy, copied, connectTo([destination]));
    await schedules.add({ id: 'daily', cron: '0 3 * * *', task: 'backup', destination: url });
    expect(await schedules.runNow('daily')).toMatchObject({ error: 'CONFLICT' });
    await copied.backup(url, { takeOver: true });
    expect(await schedules.runNow('daily')).not.toHaveProperty('error');
  });

  it.each([1, 'yes', null])('refuses %j for takeOver', async (takeOver) => {
    const { copied, url } = await withCopy();
    const options = { takeOver: takeOver as unknown as boolean };
    expect(() => copied.backup(url, options)).toThrow(/"takeOver" must be true or false/);
    expect(() => copied.register(url, options)).toThrow(/"takeOver" must be true or false/);
  });
});
