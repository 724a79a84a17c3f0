import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/schedule/index.ts';
import type { WatchFacts, WatchThresholds } from '../../src/schedule/alerts/index.ts';
import { conditionsOf, scheduleFacts } from '../../src/schedule/alerts/index.ts';

const MINUTE = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2026, 5, 1);
const FINE: WatchFacts = {
  now: NOW,
  lastGood: NOW - HOUR,
  lag: 1000,
  sizes: [100, 110, 105, 120],
  unverifiedSince: NOW - 10 * DAY,
  schedules: [{ id: 'nightly', failures: 0, lastRun: NOW - HOUR }],
  gaps: [],
  objects: { store: 10, recoveryPoint: 10 },
};

function idsOf(facts: Partial<WatchFacts>, thresholds?: WatchThresholds): string[] {
  return conditionsOf({ ...FINE, ...facts }, thresholds).map(({ id }) => id);
}

describe('conditions', () => {
  it('are none where all is well, or nothing is known but a good backup', () => {
    expect(conditionsOf(FINE)).toEqual([]);
    expect(conditionsOf({ now: NOW, lastGood: NOW })).toEqual([]);
  });

  it('advise with the URL of the destination, whatever characters it has', () => {
    const facts = { ...FINE, destination: 's3://b?x=$&', missing: 1, unreachable: 'INTEGRITY' };
    for (const { advice } of conditionsOf(facts)) {
      expect(advice).toContain('s3://b?x=$&');
      expect(advice).not.toContain('<url>');
    }
    expect(conditionsOf(facts)).toHaveLength(2);
  });

  it.each<[string, Partial<WatchFacts>, string[]]>([
    ['no backup at all', { lastGood: undefined }, ['no-backup']],
    ['a destination that can not be reached', { lastGood: undefined, unreachable: 'UNAVAILABLE' }, ['unreachable']],
    [
      'a schedule of a destination that was removed',
      { lastGood: undefined, unregistered: [{ id: 'nightly', destination: 'file:/b' }] },
      ['unregistered:nightly'],
    ],
    ['lost objects', { missing: 2 }, ['missing-objects']],
    ['an old one', { lastGood: NOW - 26 * HOUR - 1 }, ['backup-age']],
    ['one that is just young enough', { lastGood: NOW - 26 * HOUR }, []],
    ['one from the future, which would look young for ever', { lastGood: NOW + DAY }, ['backup-from-future']],
    ['clocks a little apart', { lastGood: NOW + 5 * MINUTE }, []],
    ['a time that is none', { lastGood: Number.NaN }, ['backup-age']],
    ['somebody who is gone', { lag: MINUTE, continuous: { isAlive: false } }, ['continuous']],
    ['a lag of somebody who is gone', { lag: 5 * MINUTE + 1, continuous: { isAlive: false } }, ['lag', 'continuous']],
    [
      'somebody who follows and can not',
      { continuous: { isAlive: true, error: { code: 'NO_SPACE', message: 'full' } } },
      ['continuous'],
    ],
    ['a lag', { lag: 5 * MINUTE + 1 }, ['lag']],
    ['no object from a store with some', { objects: { store: 1, recoveryPoint: 0 } }, ['empty-backup']],
    ['no object from an empty store', { objects: { store: 0, recoveryPoint: 0 } }, []],
    ['half the size', { sizes: [100, 110, 105, 50] }, ['size']],
    ['many times the size', { sizes: [100, 110, 105, 1200] }, ['size']],
    ['one odd size among those before', { sizes: [100, 1, 105, 100] }, []],
    ['too few sizes to tell', { sizes: [100, 110, 1] }, []],
    ['sizes that stay at nothing', { sizes: [0, 0, 0, 0] }, []],
    ['bytes that were not checked for long', { unverifiedSince: NOW - 36 * DAY }, ['unverified']],
    ['gaps', { gaps: [{ from: NOW - DAY, to: NOW - HOUR }] }, ['gaps']],
    [
      'a run that has not begun',
      { schedules: [{ id: 'nightly', failures: 0, overdueSince: NOW - HOUR }] },
      ['overdue:nightly'],
    ],
    ['a run that failed', { schedules: [{ id: 'a', failures: 1, lastError: 'NO_SPACE' }] }, ['failed:a']],
    [
      'one schedule of several',
      {
        schedules: [
          { id: 'a', failures: 0 },
          { id: 'b', failures: 2, overdueSince: NOW - HOUR },
        ],
      },
      ['overdue:b', 'failed:b'],
    ],
  ])('tell of %s', (_what, facts, ids) => {
    expect(idsOf(facts)).toEqual(ids);
  });

  it('say what happened, and what to do', () => {
    const [age] = conditionsOf({ ...FINE, lastGood: NOW - 30 * HOUR });
    expect(age).toEqual({
      id: 'backup-age',
      severity: 'critical',
      message: 'the last good backup is 30 h old (2026-05-30T18:00:00.000Z)',
      advice: 'check the schedule and its last runs, or make a backup now',
    });
    const [failed] = conditionsOf({ ...FINE, schedules: [{ id: 'a', failures: 3, lastError: 'NO_SPACE' }] });
    expect(failed).toMatchObject({
      message: 'the last 3 runs of schedule a failed, the last with NO_SPACE',
      advice: 'run "securestore schedule run a" to see why',
    });
    for (const { message, advice } of conditionsOf({
      ...FINE,
      lastGood: 1e300,
      gaps: [{ from: Number.NaN, to: NOW }],
    })) {
      expect(message).toContain('an invalid time');
      expect(advice).toMatch(/^[a-z].*[a-z]$/);
    }
  });

  it('begin where one wants them to', () => {
    expect(idsOf({ lastGood: NOW - 2 * HOUR }, { maxAge: HOUR })).toEqual(['backup-age']);
    expect(idsOf({ lastGood: undefined }, { maxAge: Infinity })).toEqual([]);
    expect(idsOf({ lag: 2000 }, { maxLag: 1000 })).toEqual(['lag']);
    expect(idsOf({ sizes: [100, 100, 100, 50] }, { maxShrinkage: 3 })).toEqual([]);
    expect(idsOf({ sizes: [100, 100, 100, 300] }, { maxGrowth: 2 })).toEqual(['size']);
    expect(idsOf({ schedules: [{ id: 'a', failures: 2 }] }, { maxFailures: 2 })).toEqual([]);
    expect(idsOf({}, { maxUnverified: DAY })).toEqual(['unverified']);
  });
});

describe('what is known of a schedule', () => {
  const schedule: Schedule<null> = { id: 'nightly', cron: '0 2 * * *', since: NOW - 10 * DAY, task: null };

  it('is that a run is overdue, where nobody has ever run it', () => {
    const facts = scheduleFacts(schedule, { state: undefined, stored: undefined }, NOW);
    expect(facts).toMatchObject({ id: 'nightly', failures: 0, overdueSince: NOW - 10 * DAY + 2 * HOUR });
    expect(idsOf({ schedules: [facts] })).toEqual(['overdue:nightly']);
  });

  it('is how the last run ended', () => {
    const occurrence = NOW - 22 * HOUR;
    const last = { run: 'r', by: 'a', occurrence, attempt: 1, started: occurrence, duration: 1, error: 'TIMEOUT' };
    const status = { state: { done: occurrence, failures: 2, last }, stored: { modified: occurrence, now: NOW } };
    expect(scheduleFacts(schedule, status, NOW)).toEqual({
      id: 'nightly',
      failures: 2,
      lastError: 'TIMEOUT',
      lastRun: occurrence,
      overdueSince: undefined,
    });
  });

  it.each([
    ['NOT_FOUND', 'file:/mnt/a has no backups any more (NOT_FOUND): it failed: twice', 'disk is mounted'],
    ['ACCESS_DENIED', 'file:/mnt/a cannot be read (ACCESS_DENIED): it failed: twice', 'renew its credentials'],
    ['UNAVAILABLE', 'file:/mnt/a cannot be reached (UNAVAILABLE): it failed: twice', 'can reach it'],
    ['INTEGRITY', 'file:/mnt/a has a damaged newest backup (INTEGRITY): it failed: twice', 'securestore verify'],
  ])('say which destination can not be looked at, and what to do about %s', (unreachable, reason, advice) => {
    const why = 'it failed: twice.';
    const [first, ...others] = conditionsOf({ now: NOW, destination: 'file:/mnt/a', unreachable, why });
    expect(others).toEqual([]);
    expect(first).toMatchObject({ id: 'unreachable', severity: 'critical', message: expect.stringContaining(reason) });
    expect(first?.message.endsWith(reason)).toBe(true);
    expect(first?.advice).toContain(advice);
  });
});
