import { MAX_TIME, SecureStoreError } from '@securestore/core-format';
import type { Bucketer } from './calendar.ts';
import { calendarOf } from './calendar.ts';
import type { Period, RetentionPolicy } from './policy.ts';
import { parseRetentionPolicy, PERIODS } from './policy.ts';

/** What retention knows of a point. */
export interface RetentionPoint {
  /** Points are numbered in the order in which they were committed. */
  readonly number: number;
  /** When the point was cut, in milliseconds since 1970. The process that wrote the point chose it. */
  readonly time: number;
  /** `false` for a point that stands in for no other: one that is damaged, or was made before a restore. */
  readonly good: boolean;
}

/**
 * Why a point is kept. `everything`: the policy is empty. `newest`: it is the newest good point whose time can be
 * believed, or was committed after that one. `order`: it shows that the time of another point that is kept is wrong.
 * All others are rules of the policy.
 */
export type KeepReason = 'everything' | 'newest' | 'last' | Period | 'within' | 'order';

/** A point that is kept, and all reasons for it: at least one. */
export interface KeptRecoveryPoint {
  readonly number: number;
  readonly reasons: readonly KeepReason[];
}

export interface RetentionPlan {
  /** Newest first. */
  readonly kept: readonly KeptRecoveryPoint[];
  /** The numbers of the points to remove, oldest first. */
  readonly removed: readonly number[];
}

export interface RetentionOptions {
  /** Milliseconds since 1970, by the clock by which the points were cut: that of the backend. */
  readonly now: number;
  /** Whose days, weeks, months and years are meant. An IANA name; default `UTC`. */
  readonly timeZone?: string | undefined;
}

/** Whether a rule keeps a point, as far as the points that can be believed say. */
interface Rule {
  readonly reason: KeepReason;
  keeps(point: RetentionPoint): boolean;
}

function lastRule(count: number, trusted: readonly RetentionPoint[]): Rule {
  const oldest = trusted.at(-count);
  return {
    reason: 'last',
    keeps: ({ number }) => oldest === undefined || number >= oldest.number,
  };
}

function withinRule(span: number, trusted: readonly RetentionPoint[]): Rule {
  const newest = trusted.at(-1);
  return { reason: 'within', keeps: ({ time }) => newest === undefined || time >= newest.time - span };
}

function periodRule(period: Period, count: number, trusted: readonly RetentionPoint[], bucketOf: Bucketer): Rule {
  /** The newest point of each of the newest so many buckets, newest first. */
  const keepers = new Map<string, RetentionPoint>();
  for (const point of trusted.toReversed()) {
    const bucket = bucketOf(point.time, period);
    if (keepers.has(bucket)) continue;
    if (keepers.size === count) break;
    keepers.set(bucket, point);
  }
  const oldest = keepers.size === count ? [...keepers.values()].at(-1) : undefined;
  return {
    reason: period,
    keeps({ number, time }) {
      const keeper = keepers.get(bucketOf(time, period));
      if (keeper !== undefined) return number >= keeper.number;
      return oldest === undefined || time > oldest.time;
    },
  };
}

function rulesOf({ last, within, ...periods }: RetentionPolicy, trusted: RetentionPoint[], calendar: Bucketer): Rule[] {
  return [
    ...(last === undefined ? [] : [lastRule(last, trusted)]),
    ...PERIODS.flatMap((period) => {
      const count = periods[period];
      return count === undefined ? [] : [periodRule(period, count, trusted, calendar)];
    }),
    ...(within === undefined ? [] : [withinRule(within, trusted)]),
  ];
}

/** A point, and the one before it that shows that it is out of order. */
interface Placed {
  readonly point: RetentionPoint;
  readonly contradictedBy: RetentionPoint | undefined;
}

/** The points by their numbers, each with whether its time can be true: no earlier than that of any before it. */
function placed(points: readonly RetentionPoint[], now: number): Placed[] {
  let latest: RetentionPoint | undefined;
  return points.map((point) => {
    if (point.time > now) return { point, contradictedBy: undefined };
    if (latest !== undefined && point.time < latest.time) return { point, contradictedBy: latest };
    latest = point;
    return { point, contradictedBy: undefined };
  });
}

function checked(points: Iterable<RetentionPoint>): RetentionPoint[] {
  const sorted = [...points].toSorted((a, b) => a.number - b.number);
  for (const [index, { number, time }] of sorted.entries()) {
    if (!Number.isSafeInteger(number) || number < 0 || number === sorted[index - 1]?.number) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        `the number of a snapshot must be a whole number of its own, got ${number}`,
      );
    }
    if (!(time >= 0 && time <= MAX_TIME)) {
      throw new SecureStoreError(
        'INVALID_ARGUMENT',
        `the time of snapshot ${number} must be milliseconds since 1970, got ${time}`,
      );
    }
  }
  return sorted;
}

/**
 * Which points a policy keeps, and why, and which are to be removed. Nothing is removed here.
 *
 * As with `restic forget`, each rule goes through the points from the newest on, and keeps the newest point of each of so
 * many hours, days and so on that have points, and a point is kept if any rule keeps it. Four things differ:
 *
 * - The newest good point is kept whatever the policy says, an empty policy keeps everything, and points that aren't good count
 *   for nothing: they never stand in for a good one.
 * - Restic sorts by the times that snapshots claim, so any writer can push out others with snapshots of any date.
 *   Here the order in which points were committed is believed (it is chained), and a time only if it fits: a point is
 *   **trusted** if it is good, not from the future, and not earlier than one before it that isn't from the future either. Each point is judged
 *   by the trusted ones alone, as if it were the only other one: it goes when enough of those that were committed
 *   later stand for it. So a back-dated point, or one from the future, takes no place and uses up no count; it can't make
 *   another one go. It is itself kept as long as its own time lets it be, and any number of them may be. Trust doesn't
 *   depend on what comes later, and the point that shows another one to be back-dated stays as long as that one, so that
 *   no point becomes trusted by what retention removes. A point from the future counts from its time on, like one that was
 *   made then; points committed before that then are earlier than one before them, which keeps them.
 * - Everything committed after the newest trusted good point is kept: by the order, that is newer than all that is sure.
 * - Restic keeps the very first snapshot as well while a count isn't used up. A rule is easier to foresee without that, and
 *   `within` or a longer period say it plainly.
 *
 * `within` counts back from the newest trusted point, as restic's does, and not from now: if no backups are made any
 * more, nothing goes.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function applyRetention(
  points: Iterable<RetentionPoint>,
  policy: RetentionPolicy,
  { now, timeZone = 'UTC' }: RetentionOptions,
): RetentionPlan {
  const sorted = checked(points);
  const calendar = calendarOf(timeZone);
  const rules = parseRetentionPolicy(policy);
  const all = placed(sorted, now);
  const trusted = all
    .filter(({ point, contradictedBy }) => point.good && point.time <= now && contradictedBy === undefined)
    .map(({ point }) => point);
  const newest = trusted.at(-1)?.number ?? 0;
  const tests = rulesOf(rules, trusted, calendar);
  const reasons = new Map<number, KeepReason[]>();
  const witnesses = new Set<number>();
  for (const { point, contradictedBy } of all) {
    const why: KeepReason[] = point.good && point.number >= newest ? ['newest'] : [];
    if (tests.length === 0) why.push('everything');
    why.push(...tests.filter((rule) => rule.keeps(point)).map(({ reason }) => reason));
    reasons.set(point.number, why);
    if (why.length > 0 && contradictedBy !== undefined) witnesses.add(contradictedBy.number);
  }
  for (const number of witnesses) reasons.get(number)?.push('order');
  const kept = [...reasons].map(([number, why]) => ({ number, reasons: why }));
  return {
    kept: kept.filter(({ reasons: why }) => why.length > 0).toReversed(),
    removed: kept.filter(({ reasons: why }) => why.length === 0).map(({ number }) => number),
  };
}
