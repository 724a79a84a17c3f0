import { randomUUID } from 'node:crypto';
import { MemoryBackend } from '@securestore/backend-memory';
import { SecureStoreError } from '@securestore/core-format';
import { serve } from '@securestore/server';
import type { RemoteStore, SecureStore } from 'securestore';
import { addPrincipal, createStore, grantRole, openStore, rawKey, readRestoreReceipt, setRole } from 'securestore';
import { describe, expect, it, onTestFinished } from 'vitest';
import { EagerClock } from '../../objects/test/support/eager-clock.ts';

interface Scene {
  readonly store: SecureStore;
  readonly remote: RemoteStore;
  readonly place: string;
}

async function scene(): Promise<Scene> {
  const clock = new EagerClock();
  const backend = new MemoryBackend({ clock: () => clock.now() });
  const unlock = rawKey(new Uint8Array(32).fill(7));
  const store = await createStore(`memory:${randomUUID()}`, { unlock, clock, backend, maintenance: false });
  onTestFinished(() => store.close());
  const server = await serve(store, { port: 0, clock, console: false });
  onTestFinished(() => server.close());
  await store.access.change([
    setRole('all', [{ effect: 'allow', actions: ['*'] }]),
    addPrincipal('ann', 'user'),
    grantRole('ann', 'all'),
  ]);
  const { token } = await store.access.createToken('ann');
  const remote = await openStore(server.url, { credentials: { token } });
  onTestFinished(() => remote.close());
  const place = `memory:${randomUUID()}`;
  await store.storeMany(['a', 'b/c', 'b/d'].map((key) => ({ key, data: `then ${key}` })));
  await store.backup(place);
  clock.advance(60_000);
  await store.store('a', 'now');
  await store.delete('b/c');
  return { store, remote, place };
}

describe('points over a server', () => {
  it('are told as the store itself tells them, times and all', async () => {
    const { store, remote, place } = await scene();
    const at = { destination: place, snapshot: 1 };
    expect(await remote.recoveryPoints.destinations()).toEqual(await store.recoveryPoints.destinations());
    const { now: _, lag: __, ...timeline } = await store.recoveryPoints.timeline(place, { limit: 5, changes: true });
    expect(await remote.recoveryPoints.timeline(place, { limit: 5, changes: true })).toMatchObject(timeline);
    expect(await remote.recoveryPoints.browse({ ...at, prefix: 'b/' })).toEqual(
      await store.recoveryPoints.browse({ ...at, prefix: 'b/' }),
    );
    expect(await remote.recoveryPoints.find({ ...at, contains: 'C' })).toEqual(
      await store.recoveryPoints.find({ ...at, contains: 'C' }),
    );
    const moment = { destination: place, at: new Date(timeline.snapshots[0]?.time ?? 0) };
    expect(await remote.recoveryPoints.browse(moment)).toEqual(await store.recoveryPoints.browse(moment));
    const compared = { destination: place, from: { snapshot: 1 } };
    const told = await remote.recoveryPoints.compare(compared);
    expect(told.differences).toEqual((await store.recoveryPoints.compare(compared)).differences);
    expect(told.to.time).toBeInstanceOf(Date);
    expect(await remote.recoveryPoints.versions('b/c', { destination: place })).toEqual(
      await store.recoveryPoints.versions('b/c', { destination: place }),
    );
    expect(await remote.recoveryPoints.receipts(place)).toEqual({ drills: [], restores: [] });
  });

  it('tell of the gap that a moment is in, also after a look at the snapshot before it', async () => {
    const { store, remote, place } = await scene();
    const [newest] = await store.backups.list(place);
    expect(await remote.recoveryPoints.browse({ destination: place, snapshot: 1 })).not.toHaveProperty('gap');
    const late = await remote.recoveryPoints.browse({ destination: place, at: new Date('2099-01-01') });
    expect(late).toMatchObject({ snapshot: 1, time: newest?.time, gap: { from: newest?.time } });
  });

  it('go on from page to page', async () => {
    const { remote, place } = await scene();
    const first = await remote.recoveryPoints.browse({ destination: place, prefix: 'b/', limit: 1 });
    const next = await remote.recoveryPoints.browse({ destination: place, prefix: 'b/', limit: 1, after: first.after });
    expect([...first.entries, ...next.entries].map(({ key }) => key)).toEqual(['b/c', 'b/d']);
    expect(next).not.toHaveProperty('after');
  });

  it('give data as they were, in parts too', async () => {
    const { store, remote, place } = await scene();
    const read = async (range: object = {}): Promise<string> => {
      const { stream } = await remote.recoveryPoints.retrieveStream('a', { destination: place, ...range });
      return Buffer.concat(await Array.fromAsync(stream)).toString();
    };
    expect(await read()).toBe('then a');
    expect(await read({ start: 5 })).toBe('a');
    const { info } = await remote.recoveryPoints.retrieveStream('b/c', { destination: place });
    expect(info).toMatchObject({ key: 'b/c', size: 8, modified: expect.any(Date) });
    const [then] = (await store.recoveryPoints.versions('a', { destination: place })).versions.filter(
      ({ snapshot }) => snapshot === 1,
    );
    await store.store('a', 'later');
    await store.backup(place);
    expect(await read()).toBe('later');
    expect(await read({ version: then?.version })).toBe('then a');
  });

  it('refuse what the store itself refuses, in its words', async () => {
    const { store, remote, place } = await scene();
    const calls: readonly ((points: RemoteStore['recoveryPoints']) => Promise<unknown>)[] = [
      (points) => points.browse({ destination: place, limit: 501 }),
      (points) => points.browse({ snapshot: 1 }),
      (points) => points.browse({ destination: place, snapshot: 7 }),
      (points) => points.browse({ destination: place, after: 'x' }),
      (points) => points.compare({ destination: place, from: { snapshot: 1, at: new Date() } }),
      (points) => points.versions('never', { destination: place }),
      (points) => points.versions('/'),
      (points) => points.retrieveStream('never', { destination: place }),
      (points) => points.timeline('memory:nowhere'),
    ];
    for (const call of calls) {
      const [here, there] = await Promise.all(
        [store.recoveryPoints, remote.recoveryPoints].map((points) =>
          call(points).then(
            () => 'nothing',
            (error: unknown) => (SecureStoreError.is(error) ? error.code : String(error)),
          ),
        ),
      );
      expect(there, String(call)).toBe(here);
      expect(there, String(call)).not.toBe('nothing');
    }
    const unknown = { destination: place, colour: 'red' } as object;
    await expect(remote.recoveryPoints.browse(unknown)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('are restored from with a receipt, into the store and to a new one', async () => {
    const { store, remote, place } = await scene();
    const report = await remote.restore(place, { prefix: 'b/', verify: true, conflict: 'overwrite' });
    expect(report).toMatchObject({ created: 1, verified: 1, unchanged: 1, compared: 2 });
    if (report.receipt === undefined) throw new Error('there is no receipt');
    expect(readRestoreReceipt(report.receipt, store.fingerprint)).toMatchObject({ by: 'ann', created: 1 });
    const anew = await remote.backups.restoreStore(place, `memory:${randomUUID()}`);
    expect(anew).toMatchObject({ objects: 3, failed: [], time: expect.any(Date) });
    const { restores } = await remote.recoveryPoints.receipts(place);
    expect(restores.map(({ receipt }) => readRestoreReceipt(receipt, store.fingerprint).by)).toEqual(['ann', 'ann']);
    // With what was measured the next plan says how long it may take.
    await store.delete('b/d');
    const plan = await remote.restore(place, { prefix: 'b/', dryRun: true });
    expect(plan.created).toBe(1);
    expect(plan).not.toHaveProperty('receipt');
  });
});
