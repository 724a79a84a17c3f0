import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Schedule } from '../../src/schedule/index.ts';
import { checkSchedule, nextRun } from '../../src/schedule/index.ts';
import { lastDue } from '../../src/schedule/schedule.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const HOUR = 3_600_000;
const INVALID = (text: string): unknown =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(text) });

const schedule = (cron: string, more: Partial<Schedule<null>> = {}): Schedule<null> => ({
  id: 'nightly',
  cron,
  since: 0,
  task: null,
  ...more,
});

/** All runs from one time to another. */
function runsOf(planned: Schedule, from: string, to: string): string[] {
  const runs: string[] = [];
  for (let next = nextRun(planned, Date.parse(from) - 1); next !== undefined; next = nextRun(planned, next.start)) {
    if (next.time >= Date.parse(to)) break;
    runs.push(new Date(next.time).toISOString().replace(':00.000Z', 'Z'));
  }
  return runs;
}

describe('the next run', () => {
  it('is the first after a time', () => {
    const planned = schedule('30 2 * * *');
    const [today, tomorrow] = [Date.UTC(2026, 0, 1, 2, 30), Date.UTC(2026, 0, 2, 2, 30)];
    expect(nextRun(planned, today - 1)).toEqual({ time: today, start: today });
    expect(nextRun(planned, today)).toEqual({ time: tomorrow, start: tomorrow });
    expect(nextRun(planned, today + 1)).toEqual({ time: tomorrow, start: tomorrow });
  });

  it.each([
    ['@daily', ['2026-01-02T00:00Z', '2026-01-03T00:00Z']],
    ['0 12 * * MON', ['2026-01-05T12:00Z']],
    ['0 0 L * *', ['2026-01-31T00:00Z']],
    ['0 0 1,15 * *', ['2026-01-15T00:00Z', '2026-02-01T00:00Z']],
    ['0 0 29 2 *', ['2028-02-29T00:00Z']],
    ['*/20 5 * * *', ['2026-01-02T05:00Z', '2026-01-02T05:20Z', '2026-01-02T05:40Z']],
  ])('of %s', (cron, expected) => {
    const after = new Date(Date.parse(expected.at(-1) ?? '') + 1).toISOString();
    expect(runsOf(schedule(cron), '2026-01-01T23:00Z', after)).toEqual(expected);
  });
});

const at = (timeZone: string, cron = '30 2 * * *'): Schedule => schedule(cron, { timeZone });

describe('when the clocks change, a time in the night', () => {
  it('comes once a day in Berlin', () => {
    expect(runsOf(at('Europe/Berlin'), '2026-03-28T00:00Z', '2026-03-31T00:00Z')).toEqual([
      '2026-03-28T01:30Z',
      // 02:30 is left out: the clocks go from 02:00 to 03:00.
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ]);
    expect(runsOf(at('Europe/Berlin'), '2026-10-24T00:00Z', '2026-10-27T00:00Z')).toEqual([
      '2026-10-24T00:30Z',
      // 02:30 comes at 00:30 and at 01:30.
      '2026-10-25T00:30Z',
      '2026-10-26T01:30Z',
    ]);
  });

  it('comes once a day in New York', () => {
    expect(runsOf(at('America/New_York'), '2026-03-07T00:00Z', '2026-03-10T00:00Z')).toEqual([
      '2026-03-07T07:30Z',
      '2026-03-08T07:00Z',
      '2026-03-09T06:30Z',
    ]);
    expect(runsOf(at('America/New_York', '30 1 * * *'), '2026-10-31T00:00Z', '2026-11-03T00:00Z')).toEqual([
      '2026-10-31T05:30Z',
      '2026-11-01T05:30Z',
      '2026-11-02T06:30Z',
    ]);
  });

  it('comes once a day on Lord Howe, where they change by half an hour', () => {
    expect(runsOf(at('Australia/Lord_Howe', '15 2 * * *'), '2026-10-02T12:00Z', '2026-10-05T12:00Z')).toEqual([
      '2026-10-02T15:45Z',
      // 02:00 to 02:30 are left out.
      '2026-10-03T15:30Z',
      '2026-10-04T15:15Z',
    ]);
    expect(runsOf(at('Australia/Lord_Howe', '45 1 * * *'), '2026-04-03T12:00Z', '2026-04-06T12:00Z')).toEqual([
      '2026-04-03T14:45Z',
      // 01:30 to 02:00 come twice.
      '2026-04-04T14:45Z',
      '2026-04-05T15:15Z',
    ]);
  });

  it('comes once a day in a list or a range of hours too', () => {
    expect(runsOf(at('Europe/Berlin', '30 2,14 * * *'), '2026-03-29T00:00Z', '2026-03-30T00:00Z')).toEqual([
      '2026-03-29T01:00Z',
      '2026-03-29T12:30Z',
    ]);
    expect(runsOf(at('Europe/Berlin', '30 1-3 * * *'), '2026-10-24T22:00Z', '2026-10-25T12:00Z')).toHaveLength(3);
  });

  it('goes by real time with a wildcard or a step', () => {
    expect(runsOf(at('Europe/Berlin', '0 * * * *'), '2026-10-25T00:00Z', '2026-10-25T04:00Z')).toHaveLength(4);
    expect(runsOf(at('Europe/Berlin', '0 * * * *'), '2026-03-29T00:00Z', '2026-03-29T04:00Z')).toHaveLength(4);
    expect(runsOf(at('Europe/Berlin', '*/30 2 * * *'), '2026-03-29T00:00Z', '2026-03-30T00:00Z')).toEqual([]);
  });

  it('is 365 runs a year everywhere', () => {
    for (const timeZone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC', 'Asia/Kathmandu']) {
      expect(runsOf(at(timeZone), '2026-01-01T12:00Z', '2027-01-01T12:00Z')).toHaveLength(365);
    }
  });
});

const crons = fc.constantFrom('30 2 * * *', '@hourly', '15,45 1-3 * * *', '*/7 * * * *', '0 0 * * SUN', '0 0 29 2 *');
const zones = fc.constantFrom('Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC');
const times = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });

describe('jitter', () => {
  it('is the same for everybody, and differs by schedule and occurrence', () => {
    const jitter = HOUR;
    const start = (id: string, day: number): number => {
      const next = nextRun(schedule('0 0 * * *', { id, jitter }), Date.UTC(2026, 0, day, 12));
      return (next?.start ?? 0) - (next?.time ?? 0);
    };
    expect(start('a', 1)).toBe(start('a', 1));
    const starts = Array.from({ length: 100 }, (_, index) => start(`s-${index % 10}`, Math.floor(index / 10)));
    expect(new Set(starts).size).toBe(100);
    expect(Math.min(...starts)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...starts)).toBeLessThan(jitter);
    const mean = starts.reduce((sum, value) => sum + value) / starts.length;
    expect(Math.abs(mean - jitter / 2)).toBeLessThan(jitter / 8);
  });

  it('never changes which occurrences there are, nor their order', () => {
    fc.assert(
      fc.property(crons, zones, fc.integer({ min: 0, max: 24 * HOUR }), times, (cron, timeZone, jitter, time) => {
        const planned = schedule(cron, { timeZone, jitter });
        const next = nextRun(planned, time);
        if (next === undefined) throw new Error('there is none');
        const after = nextRun(planned, next.start);
        if (after === undefined) throw new Error('there is none');
        expect(next.start).toBeGreaterThan(time);
        expect(next.start - next.time).toBeLessThanOrEqual(jitter);
        expect(next.start).toBeLessThan(after.time);
        expect(after.time).toBe(nextRun({ ...planned, jitter: 0 }, next.time)?.time);
        expect(lastDue(planned, next.start)).toEqual(next);
        expect(lastDue(planned, next.start - 1)?.time).not.toBe(next.time);
        expect(lastDue(planned, after.start - 1)).toEqual(next);
      }),
      { numRuns: sized({ short: 60, full: 300, torture: 300 }) },
    );
  });
});

describe('what is refused', () => {
  it.each<[Partial<Schedule<null>>, string]>([
    [{ id: '' }, 'the name of a schedule'],
    [{ id: 'a b' }, 'the name of a schedule'],
    [{ id: 'a'.repeat(65) }, 'the name of a schedule'],
    [{ cron: '' }, 'must be a cron expression'],
    [{ cron: 'daily' }, 'must be a cron expression'],
    [{ cron: '60 * * * *' }, 'invalid value for minute'],
    [{ cron: '* * *' }, 'must be a cron expression'],
    [{ cron: '0 0 0 1 1 * 2030' }, '7 fields instead of 5'],
    [{ cron: '30 2 * * * *' }, '6 fields instead of 5'],
    [{ cron: 'nope' }, '1 field instead of 5: minute, hour, day of month, month, day of week'],
    [{ cron: '99 2 * * *' }, 'got "99 2 * * *": invalid value for minute: 99'],
    [{ cron: '@reboot' }, 'must be a cron expression'],
    [{ cron: '2027-01-01T00:00:00' }, 'must be a cron expression'],
    [{ cron: '0 0 31 2 *' }, 'never comes'],
    [{ timeZone: 'Berlin' }, 'got "Berlin"'],
    [{ jitter: -1 }, 'jitter'],
    [{ jitter: 1.5 }, 'jitter'],
    [{ jitter: 25 * HOUR }, 'jitter'],
    [{ since: -1 }, 'since'],
    [{ since: Number.NaN }, 'since'],
  ])('%j', (wrong, text) => {
    expect(() => checkSchedule(schedule('@daily', wrong))).toThrow(INVALID(text));
  });

  it('nothing else', () => {
    const fine = schedule('30 2 * * *', { timeZone: 'Europe/Berlin', jitter: 60_000, paused: true, since: 1 });
    expect(() => checkSchedule(fine)).not.toThrow();
  });
});
