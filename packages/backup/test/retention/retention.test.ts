import { describe, expect, it } from 'vitest';
import type { KeepReason, RetentionOptions, RetentionPoint, RetentionPolicy } from '../../src/retention/index.ts';
import { applyRetention, parseRetentionPolicy } from '../../src/retention/index.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const INVALID = (text: string): unknown =>
  expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(text) });

const at = (text: string): number => Date.parse(text);

/** Points 1, 2, 3, … at these times; `!` marks a damaged one. */
function pointsAt(...times: string[]): RetentionPoint[] {
  return times.map((text, index) => ({
    number: index + 1,
    time: at(text.replace('!', '')),
    good: !text.startsWith('!'),
  }));
}

function keptOf(
  points: readonly RetentionPoint[],
  policy: RetentionPolicy,
  { now = at('2026-12-31T00:00Z'), timeZone }: Partial<RetentionOptions> = {},
): number[] {
  return applyRetention(points, policy, { now, timeZone }).kept.map(({ number }) => number);
}

function reasonsOf(
  points: readonly RetentionPoint[],
  policy: RetentionPolicy,
  now: string,
  number: number,
): KeepReason[] {
  const { kept } = applyRetention(points, policy, { now: at(now) });
  return [...(kept.find((point) => point.number === number)?.reasons ?? [])];
}

/** Points 1 to `count`, one a day at noon from 1 January 2026 on. */
function daily(count: number): RetentionPoint[] {
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    time: at('2026-01-01T12:00Z') + index * DAY,
    good: true,
  }));
}

describe('each rule', () => {
  it('keeps the newest points', () => {
    expect(keptOf(daily(10), { last: 3 })).toEqual([10, 9, 8]);
    expect(keptOf(daily(2), { last: 3 })).toEqual([2, 1]);
  });

  it('keeps the newest point of each interval, of as many as have points', () => {
    const points = pointsAt('2026-01-01T01:00Z', '2026-01-01T23:59Z', '2026-01-02T00:00Z', '2026-01-07T05:00Z');
    expect(keptOf(points, { daily: 3 })).toEqual([4, 3, 2]);
    expect(keptOf(points, { daily: 2 })).toEqual([4, 3]);
    expect(keptOf(points, { hourly: 4 })).toEqual([4, 3, 2, 1]);
  });

  it('takes weeks from Monday to Sunday, also across the end of a year', () => {
    // A Sunday, a Monday, and the Sunday after it.
    const points = pointsAt('2025-12-28T12:00Z', '2025-12-29T12:00Z', '2026-01-04T12:00Z', '2026-01-05T12:00Z');
    expect(keptOf(points, { weekly: 9 })).toEqual([4, 3, 1]);
  });

  it('takes months and years from their first days', () => {
    const points = pointsAt('2024-12-31T23:59Z', '2025-01-01T00:00Z', '2025-01-31T23:59Z', '2025-02-01T00:00Z');
    expect(keptOf(points, { monthly: 9 })).toEqual([4, 3, 1]);
    expect(keptOf(points, { yearly: 9 })).toEqual([4, 1]);
  });

  it('keeps what is younger than a span before the newest point', () => {
    expect(keptOf(daily(10), { within: 2 * DAY })).toEqual([10, 9, 8]);
    expect(keptOf(daily(10), { within: 2 * DAY - 1 })).toEqual([10, 9]);
    expect(keptOf(daily(10), { within: 2 * DAY }, { now: at('2036-01-01T00:00Z') })).toEqual([10, 9, 8]);
  });

  it('tells all reasons', () => {
    const policy = { last: 2, daily: 1, monthly: 2, within: DAY };
    const points = daily(40);
    const now = '2026-03-01T00:00Z';
    expect(reasonsOf(points, policy, now, 40)).toEqual(['newest', 'last', 'daily', 'monthly', 'within']);
    expect(reasonsOf(points, policy, now, 39)).toEqual(['last', 'within']);
    expect(reasonsOf(points, policy, now, 31)).toEqual(['monthly']);
    expect(applyRetention(points, policy, { now: at(now) }).removed).toEqual([
      ...Array.from({ length: 30 }, (_, index) => index + 1),
      ...Array.from({ length: 7 }, (_, index) => index + 32),
    ]);
  });

  it('keeps everything without a rule', () => {
    expect(keptOf(daily(3), {})).toEqual([3, 2, 1]);
    expect(reasonsOf(daily(3), {}, '2026-03-01T00:00Z', 1)).toEqual(['everything']);
    expect(applyRetention([], { last: 1 }, { now: 0 })).toEqual({ kept: [], removed: [] });
  });
});

describe('a time zone', () => {
  it('says where a day begins', () => {
    const points = pointsAt('2026-06-01T20:00Z', '2026-06-01T22:30Z');
    expect(keptOf(points, { daily: 9 })).toEqual([2]);
    expect(keptOf(points, { daily: 9 }, { timeZone: 'Europe/Berlin' })).toEqual([2, 1]);
    expect(keptOf(points, { daily: 9 }, { timeZone: 'America/New_York' })).toEqual([2]);
  });

  it('has two hours where its clocks show one twice', () => {
    const points = pointsAt('2026-10-25T00:30Z', '2026-10-25T01:30Z');
    expect(keptOf(points, { hourly: 9 }, { timeZone: 'Europe/Berlin' })).toEqual([2, 1]);
    const halfHours = pointsAt('2026-04-04T14:40Z', '2026-04-04T15:10Z');
    expect(keptOf(halfHours, { hourly: 9 }, { timeZone: 'Australia/Lord_Howe' })).toEqual([2, 1]);
    expect(keptOf(halfHours, { daily: 9 }, { timeZone: 'Australia/Lord_Howe' })).toEqual([2]);
  });

  it('has one day of 23 or 25 hours', () => {
    const points = pointsAt('2026-03-28T23:00Z', '2026-03-29T21:59Z', '2026-10-24T22:00Z', '2026-10-25T22:59Z');
    expect(keptOf(points, { daily: 9 }, { timeZone: 'Europe/Berlin' })).toEqual([4, 2]);
  });

  it('is one that there is', () => {
    expect(() => keptOf(daily(1), { daily: 1 }, { timeZone: 'Berlin' })).toThrow(INVALID('got "Berlin"'));
  });
});

describe('the newest good point', () => {
  it('stays whatever the policy says', () => {
    const points = pointsAt('2020-01-01T00:00Z', '!2026-01-01T00:00Z', '!2026-01-02T00:00Z');
    expect(keptOf(points, { within: 1 })).toContain(1);
    expect(keptOf(points, { last: 1 })).toEqual([3, 2, 1]);
    expect(reasonsOf(points, { within: 1 }, '2026-02-01T00:00Z', 1)).toEqual(['newest', 'within']);
  });

  it('stays where a later one claims to be older', () => {
    const points = [...daily(5), { number: 6, time: at('2001-01-01T00:00Z'), good: true }];
    expect(keptOf(points, { last: 1 })).toEqual([6, 5]);
    expect(keptOf(points, { within: 1 })).toEqual([6, 5]);
    expect(keptOf([...points, { number: 7, time: 0, good: true }], { within: 1 })).toEqual([7, 6, 5]);
  });
});

describe('a damaged point', () => {
  it('never takes the place of a good one', () => {
    const points = pointsAt('2026-01-01T01:00Z', '!2026-01-01T02:00Z', '2026-01-02T01:00Z');
    expect(keptOf(points, { daily: 2 })).toEqual([3, 2, 1]);
    expect(keptOf(points, { last: 2 })).toEqual([3, 2, 1]);
  });

  it('uses up no count', () => {
    const points = daily(10).map((point) => ({ ...point, good: point.number < 4 || point.number === 10 }));
    expect(keptOf(points, { daily: 3 }).filter((number) => number < 4)).toEqual([3, 2]);
  });

  it('goes where a good one stands for it', () => {
    const points = pointsAt('!2026-01-01T01:00Z', '2026-01-01T02:00Z');
    expect(keptOf(points, { daily: 9 })).toEqual([2]);
  });
});

describe('points with wrong times', () => {
  const now = at('2026-01-10T13:00Z');

  it('from the past push nothing out', () => {
    const policy = { last: 2, daily: 5 };
    const honest = keptOf(daily(10), policy, { now });
    const forged = Array.from({ length: 20 }, (_, index) => ({
      number: 11 + index,
      time: at('2026-01-09T13:00Z') - index * HOUR,
      good: true,
    }));
    expect(keptOf([...daily(10), ...forged], policy, { now })).toEqual(expect.arrayContaining(honest));
  });

  it('from the future push nothing out', () => {
    const policy = { last: 2, daily: 5, yearly: 2, within: 3 * DAY };
    const honest = keptOf(daily(10), policy, { now });
    const forged = Array.from({ length: 20 }, (_, index) => ({
      number: 11 + index,
      time: now + index * DAY + 1,
      good: true,
    }));
    expect(keptOf([...daily(10), ...forged], policy, { now })).toEqual(expect.arrayContaining(honest));
  });

  it('go when points that can be believed stand for them', () => {
    const forged = { number: 11, time: at('2026-01-09T13:00Z'), good: true };
    const later = daily(20)
      .slice(10)
      .map((point) => ({ ...point, number: point.number + 1 }));
    const points = [...daily(10), forged, ...later];
    expect(keptOf(points, { daily: 5 }, { now: at('2026-01-31T00:00Z') })).toEqual([21, 20, 19, 18, 17]);
  });

  it('keep the point that shows it, so that they are never believed later', () => {
    // Point 2 claims the evening of the 1st after a point of the 2nd had been committed; point 4 is the keeper of the 2nd.
    const points: RetentionPoint[] = [
      { number: 1, time: at('2026-01-01T20:00Z'), good: true },
      { number: 2, time: at('2026-01-02T08:00Z'), good: true },
      { number: 3, time: at('2026-01-01T23:00Z'), good: true },
      { number: 4, time: at('2026-01-02T20:00Z'), good: true },
    ];
    const first = applyRetention(points, { daily: 7 }, { now });
    expect(first.kept.find(({ number }) => number === 2)?.reasons).toEqual(['order']);
    expect(first.kept.map(({ number }) => number)).toEqual([4, 3, 2, 1]);
    expect(applyRetention(points, { daily: 1 }, { now }).removed).toEqual([1, 2, 3]);
  });

  it('from a clock that was ahead for a while cost no point of that time', () => {
    // Point 4 was a week ahead. Once that week is over, points 5 to 10 come before one that was committed earlier.
    const points = daily(20).map((point) => (point.number === 4 ? { ...point, time: point.time + 7 * DAY } : point));
    const later = { now: at('2026-01-21T00:00Z') };
    expect(keptOf(points, { daily: 14 }, later)).toEqual(
      expect.arrayContaining(keptOf(daily(20), { daily: 14 }, later).filter((number) => number !== 4)),
    );
  });

  it('at the end of all time do no harm', () => {
    const points = [...daily(2), { number: 3, time: 8_640_000_000_000_000, good: true }];
    const policy = { hourly: 1, daily: 1, weekly: 1, monthly: 1, yearly: 1, within: 1 };
    expect(keptOf(points, policy, { timeZone: 'Asia/Tokyo' })).toEqual([3, 2]);
    expect(keptOf(points, policy, { timeZone: 'America/New_York' })).toEqual([3, 2]);
  });
});

describe('what is refused', () => {
  it.each<[unknown, string]>([
    [null, 'must be an object'],
    [[7], 'must be an object'],
    ['daily', 'must be an object'],
    [{ dayly: 7 }, 'unknown rule "dayly"'],
    [{ daily: 0 }, '"daily"'],
    [{ daily: -1 }, '"daily"'],
    [{ last: 1.5 }, '"last"'],
    [{ weekly: '4' }, '"weekly"'],
    [{ yearly: Infinity }, '"yearly"'],
    [{ within: 0 }, 'milliseconds'],
    [{ last: null }, '"last"'],
  ])('the policy %j', (value, text) => {
    expect(() => parseRetentionPolicy(value)).toThrow(INVALID(text));
  });

  it('points that are none', () => {
    const point = { number: 1, time: 0, good: true };
    expect(() => keptOf([point, point], { last: 1 })).toThrow(INVALID('must be a whole number of its own'));
    expect(() => keptOf([{ ...point, number: 1.5 }], { last: 1 })).toThrow(
      INVALID('must be a whole number of its own'),
    );
    expect(() => keptOf([{ ...point, time: Number.NaN }], { last: 1 })).toThrow(INVALID('time of snapshot 1'));
    expect(() => keptOf([{ ...point, time: -1 }], { last: 1 })).toThrow(INVALID('time of snapshot 1'));
  });

  it('nothing else', () => {
    const policy = { last: 1, hourly: 2, daily: 3, weekly: 4, monthly: 5, yearly: 6, within: 7 };
    expect(parseRetentionPolicy(policy)).toEqual(policy);
    expect(parseRetentionPolicy({ last: undefined })).toEqual({});
  });
});
