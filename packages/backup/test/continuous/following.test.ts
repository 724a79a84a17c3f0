import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Layer } from '@securestore/backend-api';
import { intercept } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Logger, ObjectStore } from '@securestore/objects';
import { extensionsOf } from '@securestore/objects/internal';
import { describe, expect, it } from 'vitest';
import type { Club } from '../../../objects/test/support/members.ts';
import { club } from '../../../objects/test/support/members.ts';
import { atEnd, failure, openAt } from '../../../objects/test/support/stores.ts';
import type { ContinuousMessage } from '../../src/index.ts';
import { Backups, CONTINUOUS_CHANNEL, RecoveryPoints, Schedules } from '../../src/index.ts';
import { replicationStatusAt, publishReplicationStatus } from '../../src/trust/replication-status.ts';
import { Shelf } from '../support/shelf.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const PLACE = 'memory:backups';
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** A process that has a store open, and what it can look at. */
interface Looking {
  readonly store: ObjectStore;
  readonly backups: Backups;
  readonly points: RecoveryPoints;
  readonly schedules: Schedules;
}

function looking(store: ObjectStore, { connect }: Shelf): Looking {
  const backups = new Backups(store, connect);
  const [points, schedules] = [new RecoveryPoints(store, backups, connect), new Schedules(store, backups, connect)];
  return { store, backups, points, schedules };
}

/** A store with two processes: one that follows, and one that is asked. */
async function twoProcesses(
  layers: readonly Layer[] = [],
): Promise<Club & { shelf: Shelf; here: Looking; there: Looking }> {
  const world = await club();
  const { clock, owner, place } = world;
  const shelf = new Shelf(() => clock.now(), layers);
  await owner.store('a', '0');
  const here = looking(owner, shelf);
  await here.backups.backup(PLACE);
  const other = await openAt(place, { clock, fingerprint: owner.fingerprint });
  return { ...world, shelf, here, there: looking(other, shelf) };
}

async function valuesAt({ backups }: Looking, at: Date): Promise<Record<string, string>> {
  return backups.read(PLACE, { at }, async (store) => {
    const values: Record<string, string> = {};
    for (const key of await store.list()) values[key] = (await store.retrieve(key)).text();
    return values;
  });
}

describe('an idle store that is followed', () => {
  it('is not behind, whichever process is asked', async () => {
    const { clock, here, there } = await twoProcesses();
    await using _ = await here.backups.startContinuous(PLACE);
    for (const seconds of sized({ short: [47, 3], full: [47, 300, 3], torture: [47, 300, 3] })) {
      await clock.sleep(seconds * SECOND);
      for (const one of [here, there]) {
        const timeline = await one.points.timeline(PLACE);
        expect(timeline.isContinuous).toBe(true);
        expect(timeline.lag).toBeLessThanOrEqual(2 * SECOND);
        expect(timeline.windows).toHaveLength(1);
        expect(timeline.windows[0]?.to).toEqual(timeline.recoverableTo);
        const [window] = await one.backups.windows(PLACE);
        expect(clock.now() - (window?.to.getTime() ?? 0)).toBeLessThanOrEqual(2 * SECOND);
      }
    }
  });

  it('is known up to when it was left, and no further', async () => {
    const { clock, here, there } = await twoProcesses();
    const following = await here.backups.startContinuous(PLACE);
    await clock.sleep(40 * SECOND);
    await following.close();
    const left = following.status.recoverableTo;
    await here.store.store('a', 'later');
    await clock.sleep(10 * MINUTE);
    for (const one of [here, there]) {
      const { isContinuous, recoverableTo, windows, error } = await one.points.timeline(PLACE);
      expect({ isContinuous, recoverableTo, error }).toEqual({ isContinuous: false, recoverableTo: left });
      expect(windows.map(({ to }) => to)).toEqual([left]);
    }
  });

  it('is not what an older point says, where the newest one is gone', async () => {
    const { clock, here, there, shelf } = await twoProcesses();
    const following = await here.backups.startContinuous(PLACE);
    await clock.sleep(90 * SECOND);
    const newest = (await here.backups.list(PLACE))[0];
    await following.close();
    // The newest point is gone: what is before it was the store until then, and no longer.
    const backend = await shelf.at(PLACE);
    const { entries } = await backend.list('s/', {});
    if (entries.length < 2) throw new Error('there is one point alone');
    await backend.delete(entries[0]?.key ?? '');
    const [window] = await there.backups.windows(PLACE);
    expect(window?.to.getTime()).toBeLessThan(newest?.time.getTime() ?? 0);
  });
});

describe('a continuous backup', () => {
  it.each([0, -1, 0.5, Number.NaN, Infinity, '1'])('is refused with an interval of %s', async (interval) => {
    const { here } = await twoProcesses();
    await failure(here.backups.startContinuous(PLACE, { interval: interval as number }), 'INVALID_ARGUMENT');
  });
});

describe('a continuous backup that is begun again', () => {
  it('leaves no gap where nothing was written meanwhile', async () => {
    const { clock, here, there } = await twoProcesses();
    const first = await here.backups.startContinuous(PLACE);
    await here.store.store('a', '1');
    await first.caughtUp();
    await first.close();
    await clock.sleep(25 * MINUTE);
    await using _ = await there.backups.startContinuous(PLACE);
    for (const seconds of [1, 70]) {
      await clock.sleep(seconds * SECOND);
      const { windows, lag } = await here.points.timeline(PLACE);
      expect(windows).toHaveLength(1);
      expect(lag).toBeLessThanOrEqual(2 * SECOND);
    }
  });

  it.each([10, 90])('tells every moment of the %d minutes in which nobody shipped', async (minutes) => {
    const { clock, here, there } = await twoProcesses();
    const first = await here.backups.startContinuous(PLACE);
    await first.caughtUp();
    await first.close();
    const moments: { at: Date; values: Record<string, string> }[] = [];
    for (let round = 1; round <= 6; round++) {
      await here.store.store('a', String(round));
      if (round % 2 === 0) await here.store.store(`b${round}`, 'x');
      if (round === 5) await here.store.delete('b2');
      await clock.sleep(3 * SECOND);
      const values: Record<string, string> = {};
      for (const key of await here.store.list()) values[key] = (await here.store.retrieve(key)).text();
      moments.push({ at: new Date(clock.now()), values });
      await clock.sleep((minutes * MINUTE) / 6);
    }
    const second = await there.backups.startContinuous(PLACE);
    await second.caughtUp();
    expect(await here.backups.windows(PLACE)).toHaveLength(1);
    await second.close();
    for (const { at, values } of moments) expect(await valuesAt(here, at)).toEqual(values);
    expect(await here.backups.verify(PLACE, { depth: 'opens' })).toMatchObject({ ok: true });
  });

  it('says that moments are missing where more has happened than can be told apart', async () => {
    const { clock, here, there } = await twoProcesses();
    const first = await here.backups.startContinuous(PLACE);
    await first.close();
    for (let change = 0; change < 600; change++) {
      await here.store.store('a', String(change));
      await clock.sleep(SECOND);
    }
    await using second = await there.backups.startContinuous(PLACE);
    await second.caughtUp();
    expect(await here.backups.windows(PLACE)).toHaveLength(2);
    expect(await valuesAt(here, new Date(clock.now()))).toEqual({ a: '599' });
  });
});

describe('snapshots that nobody follows', () => {
  it('are moments by themselves where something has changed between them, however near they are', async () => {
    const { clock, here } = await twoProcesses();
    for (const value of ['1', '1', '2', '3']) {
      if (value !== '1') await here.store.store('a', value);
      await clock.sleep(5 * SECOND);
      await here.backups.backup(PLACE);
    }
    expect((await here.backups.windows(PLACE)).map(({ recoveryPoints }) => recoveryPoints)).toEqual([1, 1, 3]);
  });
});

/** A disk that can be taken away: what is open there then fails as a folder does. */
class Disk {
  isAway = false;
  readonly layer: Layer;

  constructor(reason = 'the folder was removed while it was open') {
    this.layer = intercept(() => async (call, run) => {
      if (this.isAway) throw new SecureStoreError('UNAVAILABLE', reason, { retryable: false });
      return run(call.signal);
    });
  }
}

/** What is published of continuous backups. */
function events(): ContinuousMessage['event'][] {
  const told: ContinuousMessage['event'][] = [];
  const listener = (message: unknown): void => void told.push((message as ContinuousMessage).event);
  subscribe(CONTINUOUS_CHANNEL, listener);
  atEnd(async () => void unsubscribe(CONTINUOUS_CHANNEL, listener));
  return told;
}

describe('a destination that is away for a while', () => {
  it('ends nothing: it is tried again, told once, and nothing is missing afterwards', async () => {
    const logged: string[] = [];
    const log = (level: string) => (_: object, message: string) => void logged.push(`${level}: ${message}`);
    const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
    const { clock, owner, place } = await club();
    const disk = new Disk();
    const shelf = new Shelf(() => clock.now(), [disk.layer]);
    const here = looking(await openAt(place, { clock, logger, fingerprint: owner.fingerprint }), shelf);
    await here.backups.backup(PLACE);
    const there = looking(await openAt(place, { clock, fingerprint: owner.fingerprint }), shelf);
    const told = events();
    await using following = await here.backups.startContinuous(PLACE);
    await owner.store('a', '0');
    await following.caughtUp();
    disk.isAway = true;
    shelf.down.add(PLACE);
    const moments: Date[] = [];
    for (let round = 1; round <= 4; round++) {
      await owner.store('a', String(round));
      await clock.sleep(MINUTE);
      moments.push(new Date(clock.now()));
    }
    expect(told).toEqual(['failing']);
    for (const { schedules } of [here, there]) {
      const [found] = await schedules.conditions();
      expect(found?.conditions.map(({ id }) => id)).toContain('continuous');
    }
    disk.isAway = false;
    shelf.down.delete(PLACE);
    expect((await there.points.timeline(PLACE)).error).toMatchObject({ code: 'UNAVAILABLE' });
    await clock.sleep(MINUTE);
    expect(told).toEqual(['failing', 'resumed']);
    expect(logged).toHaveLength(2);
    const { error, windows, lag } = await there.points.timeline(PLACE);
    expect(error).toBeUndefined();
    expect(lag).toBeLessThanOrEqual(2 * SECOND);
    expect(windows).toHaveLength(1);
    for (const [at, moment] of moments.entries()) expect(await valuesAt(there, moment)).toEqual({ a: String(at + 1) });
    const [found] = await there.schedules.conditions();
    expect(found?.conditions).toEqual([]);
  });

  it('is never begun anew where nothing lies there any more', async () => {
    const disk = new Disk();
    const { clock, here, shelf } = await twoProcesses([disk.layer]);
    await using following = await here.backups.startContinuous(PLACE);
    await following.caughtUp();
    disk.isAway = true;
    await here.store.store('a', '1');
    await clock.sleep(10 * SECOND);
    // An empty folder where the disk was.
    const backend = await shelf.at(PLACE);
    shelf.places.delete(PLACE);
    disk.isAway = false;
    await clock.sleep(MINUTE);
    expect(following.status.error?.message).toContain('have disappeared');
    expect((await (await shelf.at(PLACE)).list('', {})).entries).toEqual([]);
    shelf.places.set(PLACE, backend);
    await clock.sleep(MINUTE);
    expect(following.status.error).toBeUndefined();
    await following.caughtUp();
    expect(await valuesAt(here, new Date(clock.now()))).toEqual({ a: '1' });
  });

  it('ends it where the backups of another store have taken its place', async () => {
    const disk = new Disk();
    const { here, there, shelf } = await twoProcesses([disk.layer]);
    const told = events();
    const following = await here.backups.startContinuous(PLACE);
    await following.caughtUp();
    const other = await club();
    await new Backups(other.owner, shelf.connect).backup('memory:others');
    disk.isAway = true;
    const ended = failure(following.ended, 'ALREADY_EXISTS');
    await failure(
      here.store.store('a', '1').then(() => following.caughtUp()),
      'UNAVAILABLE',
    );
    shelf.places.set(PLACE, await shelf.at('memory:others'));
    disk.isAway = false;
    await ended;
    expect(told).toEqual(['failing', 'ended']);
    const [found] = await there.schedules.conditions();
    expect(found?.conditions.map(({ id }) => id)).toContain('continuous');
  });
});

describe('what is known of a follower', () => {
  it('that has ended for good outlasts a rotation of the keys', async () => {
    const disk = new Disk();
    const { clock, here, there, shelf } = await twoProcesses([disk.layer]);
    const following = await here.backups.startContinuous(PLACE);
    await following.caughtUp();
    const other = await club();
    await new Backups(other.owner, shelf.connect).backup('memory:others');
    const place = await shelf.at(PLACE);
    disk.isAway = true;
    const ended = failure(following.ended, 'ALREADY_EXISTS');
    await here.store.store('a', '1');
    await failure(following.caughtUp(), 'UNAVAILABLE');
    shelf.places.set(PLACE, await shelf.at('memory:others'));
    disk.isAway = false;
    await ended;
    shelf.places.set(PLACE, place);
    const lags = async (): Promise<string[]> => {
      const found = (await there.schedules.conditions()).flatMap(({ conditions }) => conditions);
      return found.filter(({ id }) => id === 'lag').map(({ message }) => message);
    };
    const gone = [expect.stringContaining('its process is gone')];
    await clock.sleep(10 * MINUTE);
    expect(await lags()).toEqual(gone);
    await here.store.rotateEncryptionKey(Buffer.alloc(32, 7), Buffer.alloc(32, 7));
    await clock.sleep(10 * MINUTE);
    expect(await lags()).toEqual(gone);
    // Who had the key may have the right to say so no more.
    const [window] = await there.backups.windows(PLACE);
    expect(window?.to.getTime()).toBeLessThanOrEqual((await there.backups.list(PLACE))[0]?.time.getTime() ?? 0);
  });

  it('is why it fails, however much the destination says of that', async () => {
    const disk = new Disk('x'.repeat(200_000));
    const { clock, here, there } = await twoProcesses([disk.layer]);
    await using following = await here.backups.startContinuous(PLACE);
    await following.caughtUp();
    disk.isAway = true;
    await here.store.store('a', '1');
    await clock.sleep(MINUTE);
    disk.isAway = false;
    const [found] = await there.schedules.conditions();
    const told = found?.conditions.find(({ id }) => id === 'continuous');
    expect(told?.message).toMatch(/\(UNAVAILABLE\): x+/);
    expect(told?.message.length).toBeLessThan(2000);
  });

  it.each([1e12, 2 ** 52])('does not reach beyond now, whoever says so (by %d ms)', async (ahead) => {
    const { clock, here, there } = await twoProcesses();
    const following = await here.backups.startContinuous(PLACE);
    await following.caughtUp();
    await following.close();
    const [{ id } = { id: '' }] = await here.backups.destinations();
    const [area, of] = [extensionsOf(here.store).backup, Buffer.from(id, 'hex')];
    const { point } = (await replicationStatusAt(area, of))?.reached ?? {};
    if (point === undefined) throw new Error('nothing is known');
    // Somebody with the keys of backups says that all is well, and goes.
    await publishReplicationStatus(area, of, { reached: { point, time: clock.now() + ahead }, isOver: false });
    await clock.sleep(10 * MINUTE);
    const { recoverableTo, windows } = await there.points.timeline(PLACE);
    expect(recoverableTo?.getTime()).toBeLessThanOrEqual(clock.now());
    expect(windows[0]?.to).toEqual(recoverableTo);
    const [found] = await there.schedules.conditions();
    expect(found?.conditions.map((one) => one.id)).toContain('lag');
    await using again = await there.backups.startContinuous(PLACE);
    await again.caughtUp();
    expect(again.status.recoverableTo?.getTime()).toBeLessThanOrEqual(clock.now());
  });
});
