import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RetentionPlan, RetentionPoint, RetentionPolicy } from '../../src/retention/index.ts';
import { applyRetention } from '../../src/retention/index.ts';
import { sized } from '../../../../tools/campaigns/src/size.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 2, 1);
const SPAN = 60 * 24 * HOUR;
const RUNS = { numRuns: sized({ short: 120, full: 1000, torture: 1000 }) };

const count = fc.integer({ min: 1, max: 6 });
const policies: fc.Arbitrary<RetentionPolicy> = fc.record(
  {
    last: count,
    hourly: count,
    daily: count,
    weekly: count,
    monthly: count,
    yearly: count,
    within: fc.integer({ min: 1, max: SPAN }),
  },
  { requiredKeys: [] },
);
const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/New_York');
/** A whole hour, so that many fall together, somewhere around now. */
const times = fc.integer({ min: 0, max: SPAN / HOUR }).map((hours) => START + hours * HOUR);
const nows = fc.integer({ min: 0, max: SPAN / HOUR }).map((hours) => START + hours * HOUR);

/** Points with any times. */
const anyPoints: fc.Arbitrary<RetentionPoint[]> = fc
  .array(fc.record({ time: times, good: fc.boolean(), step: fc.integer({ min: 1, max: 3 }) }), { maxLength: 40 })
  .map((list) => {
    let number = 0;
    return list.map(({ time, good, step }) => ({ number: (number += step), time, good }));
  });

/** Points in order; those that `forged` says are at wrong times, committed in between. */
interface Attack {
  readonly honest: RetentionPoint[];
  readonly forged: RetentionPoint[];
}

/**
 * Honest points in order, up to now, and among them those of somebody who back-dates each (from those that were
 * committed before) or dates it after now.
 */
const attacks = (now: number): fc.Arbitrary<Attack> =>
  fc
    .array(
      fc.record({
        forged: fc.boolean(),
        future: fc.boolean(),
        good: fc.boolean(),
        hours: fc.integer({ min: 0, max: 72 }),
      }),
      { maxLength: 40 },
    )
    .map((list) => {
      const honest: RetentionPoint[] = [];
      const forgeries: RetentionPoint[] = [];
      let latest = START;
      for (const [number, { forged, future, good, hours }] of list.entries()) {
        if (forged && (future || honest.length === 0)) {
          forgeries.push({ number, time: now + hours * HOUR + 1, good });
        } else if (forged) {
          forgeries.push({ number, time: latest - hours * HOUR - 1, good });
        } else {
          latest = Math.min(now, latest + hours * HOUR);
          honest.push({ number, time: latest, good });
        }
      }
      return { honest, forged: forgeries };
    });

function keptBy({ kept }: RetentionPlan): Set<number> {
  return new Set(kept.map(({ number }) => number));
}

function plan(
  points: readonly RetentionPoint[],
  policy: RetentionPolicy,
  now: number,
  timeZone = 'UTC',
): RetentionPlan {
  return applyRetention(points, policy, { now, timeZone });
}

/** Each rule as restic words it: go through the points from the newest on, and keep the first of each bucket. */
function resticKeeps(points: readonly RetentionPoint[], { last, daily, yearly }: RetentionPolicy): Set<number> {
  const kept = new Set<number>();
  const rules: [number | undefined, (point: RetentionPoint) => string][] = [
    [last, ({ number }) => String(number)],
    [daily, ({ time }) => new Date(time).toISOString().slice(0, 10)],
    [yearly, ({ time }) => new Date(time).toISOString().slice(0, 4)],
  ];
  for (const [allowed = 0, bucketOf] of rules) {
    let left = allowed;
    let previous: string | undefined;
    for (const point of points.toReversed()) {
      if (left === 0 || bucketOf(point) === previous) continue;
      previous = bucketOf(point);
      left -= 1;
      kept.add(point.number);
    }
  }
  return kept;
}

describe('whatever the points and the policy are', () => {
  it('each point is either kept, for a reason, or removed', () => {
    fc.assert(
      fc.property(anyPoints, policies, nows, zones, (points, policy, now, zone) => {
        const { kept, removed } = plan(points, policy, now, zone);
        const numbers = [...kept.map(({ number }) => number), ...removed].toSorted((a, b) => a - b);
        expect(numbers).toEqual(points.map(({ number }) => number));
        expect(kept.every(({ reasons }) => reasons.length > 0)).toBe(true);
      }),
      RUNS,
    );
  });

  it('the newest good point is kept', () => {
    fc.assert(
      fc.property(anyPoints, policies, nows, zones, (points, policy, now, zone) => {
        const newest = points.findLast(({ good }) => good);
        const newestByTime = points
          .filter(({ good, time }) => good && time <= now)
          .toSorted((a, b) => b.time - a.time)[0];
        const kept = keptBy(plan(points, policy, now, zone));
        if (newest !== undefined) expect(kept).toContain(newest.number);
        if (newestByTime !== undefined) {
          // Another one of the same time may stand for it.
          const same = points.filter(({ good, time }) => good && time === newestByTime.time);
          expect(same.some(({ number }) => kept.has(number))).toBe(true);
        }
      }),
      RUNS,
    );
  });

  it('a second time removes nothing more', () => {
    fc.assert(
      fc.property(anyPoints, policies, nows, zones, (points, policy, now, zone) => {
        const kept = keptBy(plan(points, policy, now, zone));
        const again = plan(
          points.filter(({ number }) => kept.has(number)),
          policy,
          now,
          zone,
        );
        expect(again.removed).toEqual([]);
      }),
      RUNS,
    );
  });

  it('a higher count, or a longer span, removes no more', () => {
    const rule = fc.constantFrom<keyof RetentionPolicy>(
      'last',
      'hourly',
      'daily',
      'weekly',
      'monthly',
      'yearly',
      'within',
    );
    fc.assert(
      fc.property(anyPoints, policies, rule, count, nows, zones, (points, policy, name, more, now, zone) => {
        fc.pre(policy[name] !== undefined);
        const value = policy[name] ?? 0;
        const raised = { ...policy, [name]: value + (name === 'within' ? more * 24 * HOUR : more) };
        const kept = keptBy(plan(points, policy, now, zone));
        expect(kept.difference(keptBy(plan(points, raised, now, zone)))).toEqual(new Set());
      }),
      RUNS,
    );
  });

  it('another rule removes no more, where there was one', () => {
    fc.assert(
      fc.property(anyPoints, policies, policies, nows, (points, policy, other, now) => {
        fc.pre(Object.keys(policy).length > 0);
        const kept = keptBy(plan(points, policy, now));
        expect(kept.difference(keptBy(plan(points, { ...other, ...policy }, now)))).toEqual(new Set());
      }),
      RUNS,
    );
  });
});

describe('points that are in order and whole', () => {
  it('are kept as restic keeps them', () => {
    const inOrder = fc
      .array(times, { minLength: 1, maxLength: 40 })
      .map((list) => list.toSorted((a, b) => a - b).map((time, number) => ({ number, time, good: true })));
    fc.assert(
      fc.property(inOrder, fc.record({ last: count, daily: count, yearly: count }), (points, policy) => {
        expect(keptBy(plan(points, policy, START + SPAN))).toEqual(resticKeeps(points, policy));
      }),
      RUNS,
    );
  });
});

describe('points with wrong times', () => {
  const settings = nows.chain((now) => fc.record({ now: fc.constant(now), attack: attacks(now) }));

  it('make no other point go', () => {
    fc.assert(
      fc.property(settings, policies, zones, ({ now, attack: { honest, forged } }, policy, zone) => {
        const all = [...honest, ...forged];
        const without = keptBy(plan(honest, policy, now, zone));
        expect(without.difference(keptBy(plan(all, policy, now, zone)))).toEqual(new Set());
      }),
      RUNS,
    );
  });

  it('make no other point go when they join any points, those with wrong times too', () => {
    fc.assert(
      fc.property(anyPoints, policies, nows, fc.nat(), fc.boolean(), (points, policy, now, hours, good) => {
        const latest = Math.max(...points.map(({ time }) => time).filter((time) => time <= now));
        fc.pre(Number.isFinite(latest));
        const number = (points.at(-1)?.number ?? 0) + 1;
        const forged = { number, time: Math.max(0, latest - 1 - (hours % SPAN)), good };
        const without = keptBy(plan(points, policy, now));
        expect(without.difference(keptBy(plan([...points, forged], policy, now)))).toEqual(new Set());
      }),
      RUNS,
    );
  });

  it('make no other point go in retention after retention either', () => {
    const backDated = attacks(START + SPAN).map(({ honest, forged }) => ({
      honest,
      forged: forged.filter(({ time }) => time <= START + SPAN),
    }));
    fc.assert(
      fc.property(backDated, policies, zones, ({ honest, forged }, policy, zone) => {
        const last = Math.max(0, ...honest.map(({ number }) => number), ...forged.map(({ number }) => number));
        let alone: RetentionPoint[] = [];
        let together: RetentionPoint[] = [];
        for (let number = 0; number <= last; number++) {
          const added = honest.filter((point) => point.number === number);
          const wrong = forged.filter((point) => point.number === number);
          const step = (points: RetentionPoint[]): RetentionPoint[] => {
            const kept = keptBy(plan(points, policy, START + SPAN, zone));
            return points.filter((point) => kept.has(point.number));
          };
          alone = step([...alone, ...added]);
          together = step([...together, ...added, ...wrong]);
          const kept = new Set(together.map((point) => point.number));
          expect(alone.map((point) => point.number).filter((other) => !kept.has(other))).toEqual([]);
        }
      }),
      RUNS,
    );
  });
});
