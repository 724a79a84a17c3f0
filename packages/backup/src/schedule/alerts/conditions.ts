import type { ScheduleFacts, WatchFacts } from './facts.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Clocks may be so far apart, in milliseconds. */
const SKEW = 10 * MINUTE;
/** How many sizes before the last one say what is usual. */
const USUAL_SIZES = 3;

export type Severity = 'warning' | 'critical';

/** Something that is not as it should be. */
export interface Condition {
  /** The same as long as it lasts, and each time: the kind, and the schedule where it is about one. */
  readonly id: string;
  readonly severity: Severity;
  /** What happened, and what to do. */
  readonly message: string;
}

/** From when on something is a condition. `Infinity` turns one off. */
export interface WatchThresholds {
  /** Of the last good point, in milliseconds. Default 26 hours: a daily backup, and time for it. */
  readonly maxAge?: number | undefined;
  /** In milliseconds. Default five minutes. */
  readonly maxLag?: number | undefined;
  /** For how long a byte may not have been checked, in milliseconds. Default 35 days. */
  readonly maxUnverified?: number | undefined;
  /** How many times smaller, or larger, than usual a point may be. Default 2 and 10. */
  readonly maxShrinkage?: number | undefined;
  readonly maxGrowth?: number | undefined;
  /** How many runs of a schedule in a row may fail. Default 0. */
  readonly maxFailures?: number | undefined;
}

/** A span of time in words, rounded down. */
function words(milliseconds: number): string {
  const units: [number, string][] = [
    [DAY, 'd'],
    [HOUR, 'h'],
    [MINUTE, 'min'],
  ];
  for (const [length, unit] of units)
    if (milliseconds >= 2 * length) return `${Math.floor(milliseconds / length)} ${unit}`;
  return `${Math.floor(milliseconds / SECOND)} s`;
}

/** In ISO 8601; whatever a point claims. */
export function moment(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? 'a time that is none' : date.toISOString();
}

/** What keeps a destination from being looked at, and what to do about it, by its error code. */
const UNREACHABLE: Readonly<Record<string, readonly [reason: string, advice: string]>> = {
  NOT_FOUND: [
    'has no backups any more',
    'see that its disk is mounted or its bucket is there, and bring it back; where it is gone for good, back up there anew, or give it up by "securestore destination remove <location>"',
  ],
  ACCESS_DENIED: ['can not be opened', 'renew its credentials, and see that they may read and list'],
  UNAUTHENTICATED: ['can not be opened', 'renew its credentials, which may have expired'],
  INTEGRITY: [
    'holds a newest backup that is not as it was written',
    'back up there once more, which looks at the whole store, and run "securestore verify <location>"',
  ],
  ROLLBACK: ['has older backups than it had', 'find out who removed the newest ones; then back up there once more'],
  ALREADY_EXISTS: ['holds something else', 'find out who has put it there, and bring the backups back'],
  CONFLICT: ['holds something else', 'find out who has put it there, and bring the backups back'],
  BACKEND_NOT_INSTALLED: ['can not be opened', 'install the package of its backend where this runs'],
};

const UNREACHED = [
  'can not be reached',
  'see that its server or disk is there, and that this machine gets through to it',
] as const;

/** Why something failed, as a part of a sentence. */
function because(code: string, message: string | undefined, destination?: string): string {
  if (message === undefined) return code;
  const said = message.startsWith(`${destination}: `) ? message.slice(`${destination}: `.length) : message;
  // What comes after the last colon of a condition says what to do.
  return `${code}, ${said.replace(/\.$/, '').replaceAll(': ', ', ')}`;
}

function unreachableCondition({ destination, unreachable, why }: WatchFacts): Condition | undefined {
  if (unreachable === undefined) return undefined;
  const [what, advice] = UNREACHABLE[unreachable] ?? UNREACHED;
  const which = destination === undefined ? 'the destination' : `the destination ${destination}`;
  const message = `${which} ${what} (${because(unreachable, why, destination)}), so nothing is known of the backups there: ${advice}`;
  return { id: 'unreachable', severity: 'critical', message };
}

/** What to do about a continuous backup whose process is gone. */
const START_AGAIN = 'start it again; where it is not to go on, start it once more and end it by Ctrl-C';

function followingCondition({ destination, following }: WatchFacts): Condition | undefined {
  const { error, isAlive } = following ?? {};
  const id = 'following';
  if (error === undefined) {
    if (isAlive !== false) return undefined;
    const message = `no process makes the continuous backup any more, and nobody has ended it: ${START_AGAIN}`;
    return { id, severity: 'warning', message };
  }
  const why = because(error.code, error.message, destination);
  if (isAlive === true) {
    const message = `the continuous backup can not ship what changes (${why}), and tries again and again: see what keeps it from the destination`;
    return { id, severity: 'warning', message };
  }
  const message = `the continuous backup has ended (${why}): put right what ended it, and follow the destination again`;
  return { id, severity: 'critical', message };
}

function ageCondition({ now, lastGood, unreachable }: WatchFacts, maxAge: number): Condition | undefined {
  const severity = 'critical';
  if (maxAge === Infinity || unreachable !== undefined) return undefined;
  if (lastGood === undefined) {
    return { id: 'no-backup', severity, message: 'there is no good backup: make one now, and see why there is none' };
  }
  if (lastGood > now + SKEW) {
    const message = `the last good backup is of ${moment(lastGood)}, which is yet to come: its age can't be told; check the clocks, and who has made that point`;
    return { id: 'backup-from-future', severity, message };
  }
  // Also where a time is none.
  if (now - lastGood <= maxAge) return undefined;
  const message = `the last good backup is ${words(now - lastGood)} old (${moment(lastGood)}): look at the schedule and its last runs, or make a backup now`;
  return { id: 'backup-age', severity, message };
}

function lagCondition({ lag, following }: WatchFacts, maxLag: number): Condition | undefined {
  if (lag === undefined || lag <= maxLag) return undefined;
  const advice = following?.isAlive === false ? START_AGAIN : 'check the way to the destination';
  const who = following?.isAlive === false ? ', and no process is at it' : '';
  const message = `continuous shipping is ${words(lag)} behind${who}, and what was written since then is lost if the store is: ${advice}`;
  return { id: 'lag', severity: 'critical', message };
}

function emptyCondition({ objects }: WatchFacts): Condition | undefined {
  if (objects === undefined || objects.store === 0 || objects.point > 0) return undefined;
  const message = `the last backup holds no object, and the store has ${objects.store}: it is worth nothing; check what it was told to include`;
  return { id: 'empty-backup', severity: 'critical', message };
}

function sizeCondition({ sizes = [] }: WatchFacts, shrinkage: number, growth: number): Condition | undefined {
  const last = sizes.at(-1);
  const before = sizes.slice(0, -1).toSorted((a, b) => a - b);
  const usual = before[Math.floor(before.length / 2)];
  if (last === undefined || usual === undefined || before.length < USUAL_SIZES) return undefined;
  if (last * shrinkage >= usual && last <= usual * growth) return undefined;
  const message = `the last backup has a size of ${last}, where ${usual} is usual: see whether so much was ${last < usual ? 'deleted' : 'added'} on purpose before retention removes older points`;
  return { id: 'size', severity: 'warning', message };
}

function unverifiedCondition({ now, unverifiedSince }: WatchFacts, max: number): Condition | undefined {
  if (unverifiedSince === undefined || now - unverifiedSince <= max) return undefined;
  const message = `parts of the backup have not been checked for ${words(now - unverifiedSince)}: run verify, or give it more time`;
  return { id: 'unverified', severity: 'warning', message };
}

function gapsCondition({ gaps = [] }: WatchFacts): Condition | undefined {
  const [first] = gaps;
  if (first === undefined) return undefined;
  const more = gaps.length === 1 ? '' : `, and for ${gaps.length - 1} more spans`;
  const message = `nothing can be restored as of ${moment(first.from)} to ${moment(first.to)}${more}: verify the destination, and see what interrupted the shipping`;
  return { id: 'gaps', severity: 'critical', message };
}

function scheduleConditions(
  { id, overdueSince, failures, lastError }: ScheduleFacts,
  facts: WatchFacts,
  max: number,
): Condition[] {
  const found: Condition[] = [];
  if (overdueSince !== undefined) {
    const message = `a run of schedule ${id} was due at ${moment(overdueSince)}, ${words(facts.now - overdueSince)} ago, and has not begun: see that "schedule run" is running somewhere`;
    found.push({ id: `overdue:${id}`, severity: 'critical', message });
  }
  if (failures > max) {
    const why = lastError === undefined ? '' : `, the last with ${lastError}`;
    const runs = failures === 1 ? 'the last run' : `the last ${failures} runs`;
    const message = `${runs} of schedule ${id} failed${why}: run it by hand to see what stands in its way`;
    found.push({ id: `failed:${id}`, severity: 'critical', message });
  }
  return found;
}

/** What is not as it should be. */
export function conditionsOf(facts: WatchFacts, thresholds: WatchThresholds = {}): Condition[] {
  const { maxAge = 26 * HOUR, maxLag = 5 * MINUTE, maxUnverified = 35 * DAY } = thresholds;
  const { maxShrinkage = 2, maxGrowth = 10, maxFailures = 0 } = thresholds;
  return [
    unreachableCondition(facts),
    ageCondition(facts, maxAge),
    emptyCondition(facts),
    lagCondition(facts, maxLag),
    followingCondition(facts),
    gapsCondition(facts),
    ...(facts.schedules ?? []).flatMap((schedule) => scheduleConditions(schedule, facts, maxFailures)),
    sizeCondition(facts, maxShrinkage, maxGrowth),
    unverifiedCondition(facts, maxUnverified),
  ].filter((condition) => condition !== undefined);
}
