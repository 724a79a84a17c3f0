import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FsBackend } from '@securestore/backend-fs';
import { BACKUP_KEYS_NAME } from '@securestore/core-format';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { LONG, onlyLong } from '../../../../tools/campaigns/src/size.ts';
import type { PolicyChange, SecureStore, UnlockMethod } from '../../src/index.ts';
import {
  addPrincipal,
  disablePrincipal,
  grantRole,
  openStore,
  rawKey,
  removePrincipal,
  removeRole,
  restoreStore,
  revokeRole,
  setApprovals,
  setRole,
  verifyBackup,
} from '../../src/index.ts';
import { unlock } from '../support/access-world.ts';
import { BackupWorld } from '../support/backup-world.ts';

const MINUTE = 60_000;

/** A place for backups that can go away, as a disk does that is not mounted. */
function folder(): { readonly url: string; readonly away: () => void; readonly back: () => void } {
  const base = mkdtempSync(join(tmpdir(), 'securestore-access-'));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const [there, elsewhere] = [join(base, 'backup'), join(base, 'unmounted')];
  return {
    url: `file:${there}`,
    away: () => renameSync(there, elsewhere),
    back: () => {
      rmSync(there, { recursive: true, force: true });
      renameSync(elsewhere, there);
    },
  };
}

async function peopled(store: SecureStore): Promise<void> {
  await store.access.change([
    setRole('admin', [{ effect: 'allow', actions: ['*'] }]),
    setRole('reader', [{ effect: 'allow', actions: ['read', 'list'] }]),
    addPrincipal('boss', 'user'),
    grantRole('boss', 'admin'),
    addPrincipal('ann', 'user'),
    grantRole('ann', 'reader'),
  ]);
}

/** A store with people, that is backed up. */
async function scene(more: { maintenance?: boolean } = {}) {
  const world = new BackupWorld();
  const store = await world.furnished(more);
  await peopled(store);
  const { token, id } = await store.access.createToken('ann');
  const place = folder();
  await store.backup(place.url);
  return { world, store, token, id, place };
}

type Scene = Awaited<ReturnType<typeof scene>>;

/** A second secret, to be removed just after the keys of the backup were read next. */
async function withSecond() {
  const all = await scene();
  const second = rawKey(Buffer.alloc(32, 9));
  const { id } = await all.store.slots.add(second);
  const removedOnceRead = (): (() => unknown) => {
    const { read } = FsBackend.prototype; // oxlint-disable-line typescript/unbound-method -- called with its `this` below
    let removed: Promise<unknown> | undefined;
    const spy = vi.spyOn(FsBackend.prototype, 'read').mockImplementation(async function (
      this: FsBackend,
      key,
      options,
    ) {
      const found = await read.call(this, key, options);
      if (key === BACKUP_KEYS_NAME && removed === undefined) await (removed = all.store.slots.remove(id));
      return found;
    });
    onTestFinished(() => spy.mockRestore());
    return () => removed;
  };
  return { ...all, second, removedOnceRead };
}

let restores = 0;

/** The store as the backup alone gives it. */
async function restored({ world, place }: Pick<Scene, 'world' | 'place'>) {
  const to = `${world.target}-${++restores}`;
  const report = await restoreStore(place.url, to, world.secret);
  const store = await openStore(to, { unlock, clock: world.clock, maintenance: false });
  onTestFinished(() => store.close());
  return { store, report };
}

const readsBy = async (store: SecureStore, token: string): Promise<string> =>
  (await (await store.session({ token })).retrieve('db/a')).text();

const DENIED = expect.objectContaining({ code: expect.stringMatching(/^(UNAUTHENTICATED|ACCESS_DENIED)$/) });

/** Adds somebody who may do nothing, whatever an authenticator says of them. */
const addDisabled =
  (name: string): PolicyChange =>
  (policy) =>
    disablePrincipal(name, true)(addPrincipal(name, 'user')(policy));

/** What takes access away from ann, by what it is called. */
const TAKEN: readonly (readonly [string, PolicyChange])[] = [
  ['is disabled', disablePrincipal('ann', true)],
  ['is removed', removePrincipal('ann')],
  ['loses a role', revokeRole('ann', 'reader')],
  ['holds a role until a time that has passed', grantRole('ann', 'reader', 1)],
  ['has a role that is removed', removeRole('reader')],
  ['has a role that loses a rule', setRole('reader', [{ effect: 'allow', actions: ['list'] }])],
  [
    'has a role that gets a rule against it',
    setRole('reader', [
      { effect: 'allow', actions: ['read', 'list'] },
      { effect: 'deny', actions: ['read'], keys: ['db/**'] },
    ]),
  ],
  ['needs a second person', setApprovals([{ actions: ['read'] }])],
];

describe('what takes access away since the last backup', () => {
  // T-BACKUP-07
  test('is not undone by a restore: a revoked token opens nothing', async () => {
    const all = await scene();
    expect(await readsBy((await restored(all)).store, all.token)).toBe('second');
    expect(await all.store.access.revokeToken(all.id)).toEqual({ pending: [] });
    await expect(readsBy((await restored(all)).store, all.token)).rejects.toEqual(DENIED);
  });

  // T-BACKUP-07
  test('is not undone by a restore that was begun before it: what was revoked meanwhile opens nothing', async () => {
    const all = await scene();
    const { world, store, token, id, place } = all;
    const to = `${world.target}-resumed`;
    const ending = new AbortController();
    const job = restoreStore(place.url, to, { ...world.secret, signal: ending.signal });
    for await (const { bytes } of job.progress) if (bytes > 0) break;
    ending.abort();
    await expect(job).rejects.toMatchObject({ name: expect.any(String) });
    await store.access.revokeToken(id);
    expect(await restoreStore(place.url, to, world.secret)).toMatchObject({ snapshot: 1 });
    await using again = await openStore(to, { unlock, clock: world.clock, maintenance: false });
    await expect(readsBy(again, token)).rejects.toEqual(DENIED);
  });

  test.each(TAKEN)('is not undone by a restore: whoever %s stays so', async (_, change) => {
    const all = await scene();
    expect(await all.store.access.change(change)).toEqual({ pending: [] });
    await expect(readsBy((await restored(all)).store, all.token)).rejects.toEqual(DENIED);
  });

  test('is pending at a destination that can not be reached, and a restore says of when the policy is', async () => {
    const all = await scene();
    const { store, place, world, token } = all;
    const before = world.clock.now();
    world.clock.advance(5 * MINUTE);
    place.away();
    expect(await store.access.change(disablePrincipal('ann', true))).toEqual({ pending: [place.url] });
    place.back();
    const { store: other, report } = await restored(all);
    expect(await readsBy(other, token)).toBe('second');
    expect(report.access.time.getTime()).toBeLessThan(before + 5 * MINUTE);
    const { version } = report.access.policy ?? {};
    // Whatever takes access away next brings all of it.
    expect(await store.access.change(setRole('other', [{ effect: 'deny', actions: ['*'] }]))).toEqual({ pending: [] });
    const again = await restored(all);
    await expect(readsBy(again.store, token)).rejects.toEqual(DENIED);
    expect(again.report.access.time.getTime()).toBeGreaterThanOrEqual(before + 5 * MINUTE);
    expect(again.report.access.policy?.version).toBeGreaterThan(version ?? Infinity);
  });

  test('does not take away for long what was given again later, and says until then of when it is', async () => {
    const all = await scene({ maintenance: true });
    const { store, token, world } = all;
    await store.access.change(disablePrincipal('ann', true));
    const taken = (await restored(all)).report.access.policy?.version ?? Infinity;
    await store.access.change(disablePrincipal('ann', false));
    const early = await restored(all);
    await expect(readsBy(early.store, token)).rejects.toEqual(DENIED);
    expect(early.report.access.policy?.version).toBe(taken);
    await expect
      .poll(async () => {
        world.clock.advance(MINUTE);
        return (await restored(all)).report.access.policy?.version;
      })
      .toBeGreaterThan(taken);
    expect(await readsBy((await restored(all)).store, token)).toBe('second');
  });

  test('is not undone, nor what was given again after it, where both could not be brought there', async () => {
    const all = await scene();
    const { store, place, token } = all;
    place.away();
    await store.access.change(disablePrincipal('ann', true));
    await store.access.change(disablePrincipal('ann', false));
    place.back();
    await store.access.change(removePrincipal('boss')).catch(() => undefined);
    await store.access.change(setApprovals([{ actions: ['purge'] }]));
    expect(await readsBy((await restored(all)).store, token)).toBe('second');
  });

  // T-BACKUP-07
  test('is tried again by a store that stays open, until it is there', async () => {
    const all = await scene({ maintenance: true });
    const { store, place, token, world } = all;
    place.away();
    expect(await store.access.change(disablePrincipal('ann', true))).toEqual({ pending: [place.url] });
    world.clock.advance(MINUTE);
    place.back();
    await expect
      .poll(
        async () => {
          world.clock.advance(MINUTE);
          return readsBy((await restored(all)).store, token).catch(({ code }) => code as string);
        },
        { timeout: 20_000 },
      )
      .toMatch(/^(UNAUTHENTICATED|ACCESS_DENIED)$/);
  });

  test('is of the open store where that restores, and the report says so', async () => {
    const all = await scene();
    const { world, store, place, token } = all;
    place.away();
    await store.access.change(disablePrincipal('ann', true));
    place.back();
    const to = `${world.target}-${++restores}`;
    const report = await store.backups.restoreStore(place.url, to);
    expect(report.access.policy?.source).toBe('store');
    const other = await openStore(to, { unlock, clock: world.clock, maintenance: false });
    onTestFinished(() => other.close());
    await expect(readsBy(other, token)).rejects.toEqual(DENIED);
  });

  test('and nothing else is waited for: who gives access waits for no destination', async () => {
    const { store, place } = await scene();
    await store.access.change([
      setRole('narrow', [{ effect: 'deny', actions: ['purge'] }]),
      addPrincipal('eve', 'user'),
      disablePrincipal('eve', true),
      grantRole('eve', 'reader', Date.UTC(2090, 0, 1)),
      setApprovals([{ actions: ['purge'] }, { actions: ['rotate'] }]),
    ]);
    place.away();
    const pendingOf = async (...changes: PolicyChange[]) => (await store.access.change(changes)).pending;
    expect(await pendingOf(addPrincipal('bob', 'user'), grantRole('bob', 'reader'))).toEqual([]);
    await store.access.createToken('bob');
    for (const given of [
      setRole('new', [{ effect: 'allow', actions: ['read'] }]),
      setRole('new', [
        { effect: 'allow', actions: ['list'] },
        { effect: 'allow', actions: ['read'] },
      ]),
      disablePrincipal('eve', false),
      grantRole('eve', 'reader', Date.UTC(2091, 0, 1)),
      grantRole('eve', 'reader'),
      setApprovals([{ actions: ['purge'] }]),
    ]) {
      expect(await pendingOf(given)).toEqual([]);
    }
    // What may take something from somebody for whom an authenticator vouches, or does so in a roundabout way.
    for (const taken of [
      grantRole('eve', 'narrow'),
      grantRole('eve', 'reader', Date.UTC(2091, 0, 1)),
      setRole('denied', [{ effect: 'deny', actions: ['read'] }]),
      addDisabled('carl'),
      setApprovals([{ actions: ['purge'], keys: ['db/**'] }]),
    ]) {
      expect(await pendingOf(taken)).toEqual([place.url]);
    }
    place.back();
  });

  test('is tried again for a slot that was removed: its secret opens the backup no more', async () => {
    const all = await scene({ maintenance: true });
    const { store, place, world } = all;
    const second = rawKey(Buffer.alloc(32, 9));
    const { id } = await store.slots.add(second);
    const opened = async (): Promise<unknown> =>
      restoreStore(place.url, `${world.target}-${++restores}`, { ...world.secret, unlock: second }).then(
        () => 'open',
        ({ code }) => code as string,
      );
    expect(await opened()).toBe('open');
    place.away();
    expect(await store.slots.remove(id)).toEqual({ pending: [place.url] });
    place.back();
    await expect
      .poll(async () => {
        world.clock.advance(MINUTE);
        return opened();
      })
      .toBe('UNLOCK_FAILED');
  });

  describe('while the keys are read that it replaces', () => {
    test('is no rollback for a restore', async () => {
      const { place, world, second, removedOnceRead } = await withSecond();
      const restoreWith = async (secret: UnlockMethod): Promise<unknown> =>
        restoreStore(place.url, `${world.target}-${++restores}`, { ...world.secret, unlock: secret }).then(
          () => 'open',
          ({ code }) => code as string,
        );
      expect(await restoreWith(second)).toBe('open');
      const removed = removedOnceRead();
      expect(await restoreWith(unlock)).toBe('open');
      expect(await removed()).toEqual({ pending: [] });
      expect(await restoreWith(second)).toBe('UNLOCK_FAILED');
    });

    test('is no rollback for verifying', async () => {
      const { place, world, removedOnceRead } = await withSecond();
      const removed = removedOnceRead();
      expect(await verifyBackup(place.url, world.secret)).toMatchObject({ ok: true, findings: [] });
      expect(await removed()).toEqual({ pending: [] });
    });
  });

  test('has no backup that is under way begin anew', async () => {
    const { store, id, place } = await scene();
    await store.store('db/new', 'x');
    const job = store.backup(place.url);
    for await (const _ of job.progress) {
      await store.access.revokeToken(id);
      break;
    }
    expect(await job).toMatchObject({ number: 2, failed: [] });
  });

  test.runIf(LONG)(onlyLong('is pending at a destination that never answers, and is not waited for long'), async () => {
    const { store, id, place } = await scene();
    const read = vi.spyOn(FsBackend.prototype, 'read').mockImplementation(() => new Promise(() => {}));
    onTestFinished(() => read.mockRestore());
    expect(await store.access.revokeToken(id)).toEqual({ pending: [place.url] });
  });
});
