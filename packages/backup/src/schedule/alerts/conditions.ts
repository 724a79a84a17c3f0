import { shellWord } from '@securestore/core-format';
import type { ScheduleFacts, WatchFacts } from './facts.ts';

type WatchCheck = NonNullable<WatchFacts['failedChecks']>[number];

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** How far clocks may differ, in milliseconds. */
const SKEW = 10 * MINUTE;
/** How long before a run, by another clock, a check may have begun that is the one of the run, in milliseconds. */
const SAME_RUN = MINUTE;
/** How many sizes before the last one make up the usual size. */
const USUAL_SIZES = 3;

export type Severity = 'warning' | 'critical';

/** Something that is not as it should be. */
export interface Condition {
  /** The same as long as it lasts, and each time: the kind, and the schedule if it is about one. */
  readonly id: string;
  readonly severity: Severity;
  /** What happened. */
  readonly message: string;
  /** What an operator can do, as one sentence without a full stop. */
  readonly advice: string;
}

/** The limits beyond which a check of a destination has a finding. `Infinity` switches a threshold off. */
export interface WatchThresholds {
  /** The highest age of the last good recovery point, in milliseconds. Default 26 hours, for a daily backup and the time that it takes. */
  readonly maxAge?: number | undefined;
  /** The highest lag of a continuous backup, in milliseconds. Default 5 minutes. */
  readonly maxLag?: number | undefined;
  /** How long a byte may be unverified, in milliseconds. Default 35 days. */
  readonly maxUnverified?: number | undefined;
  /** How many times smaller than usual a recovery point may be. Default 2. */
  readonly maxShrinkage?: number | undefined;
  /** How many times larger than usual a recovery point may be. Default 10. */
  readonly maxGrowth?: number | undefined;
  /** How many runs of a schedule may fail in a row. Default 0. */
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

/** A time in ISO 8601. Points may claim any number. */
export function moment(time: number): string {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? 'an invalid time' : date.toISOString();
}

/** Why a destination can't be checked, and what to do, by error code. */
const UNREACHABLE: Readonly<Record<string, readonly [state: string, advice: string]>> = {
  NOT_FOUND: [
    'has no backups any more',
    'see that its disk is mounted or its bucket is there, and restore it; if it is lost for good, remove it by "securestore destination remove <url>", and back up there again',
  ],
  ACCESS_DENIED: ['cannot be read', 'renew its credentials, and see that they may read and list'],
  UNAUTHENTICATED: ['cannot be read', 'renew its credentials, which may have expired'],
  INTEGRITY: [
    'has a damaged newest backup',
    'back up there once more, which reads the whole store, and run "securestore verify <url>"',
  ],
  ROLLBACK: [
    'has only older backups than before',
    'find out who removed the newest ones, then back up there once more',
  ],
  ALREADY_EXISTS: ['has other backups than before', 'find out who replaced them, and restore the former ones'],
  CONFLICT: ['has other backups than before', 'find out who replaced them, and restore the former ones'],
  BACKEND_NOT_INSTALLED: ['cannot be read', 'install the package of its backend on this machine'],
};

const UNREACHED = [
  'cannot be reached',
  'see that its server or disk is there, and that this machine can reach it',
] as const;

/** A state with the error behind it. */
function because(state: string, code: string, message: string | undefined): string {
  return message === undefined ? `${state} (${code})` : `${state} (${code}): ${message.replace(/\.$/, '')}`;
}

function unreachableCondition({ destination, unreachable, why }: WatchFacts): Condition | undefined {
  if (unreachable === undefined) return undefined;
  const [state, advice] = UNREACHABLE[unreachable] ?? UNREACHED;
  const which = destination === undefined ? 'the destination' : `the destination ${destination}`;
  return { id: 'unreachable', severity: 'critical', message: because(`${which} ${state}`, unreachable, why), advice };
}

function replacedCondition({ destination = 'its URL', replacedBy }: WatchFacts): Condition | undefined {
  if (replacedBy === undefined) return undefined;
  const message = `another destination of the store is at ${destination} instead (${replacedBy})`;
  const advice =
    'mount its disk, or if it is lost for good, remove it by its id: "securestore destination list --json", "securestore destination remove <id>"';
  return { id: 'replaced', severity: 'warning', message, advice };
}

function otherCopyCondition({ destination = 'the destination', belongsTo }: WatchFacts): Condition | undefined {
  if (belongsTo === undefined) return undefined;
  const own = 'back up to another destination, and remove this one: "securestore destination remove <url>"';
  if (belongsTo === 'copy') {
    const message = `${destination} has the backups of another copy of the store`;
    return { id: 'other-copy', severity: 'critical', message, advice: own };
  }
  const message = `${destination} has the backups of the store that this one was restored from`;
  const advice = `if that store is lost, take its backups over: "securestore backup <url> --take-over"; else ${own}`;
  return { id: 'other-copy', severity: 'critical', message, advice };
}

/** What to do about a continuous backup whose process is gone. */
const START_AGAIN = 'start the continuous backup again; if it is not needed any more, start it and end it with Ctrl-C';

function followingCondition({ continuous }: WatchFacts): Condition | undefined {
  const { error, isAlive } = continuous ?? {};
  const id = 'continuous';
  if (error === undefined) {
    if (isAlive !== false) return undefined;
    const message = 'the process of the continuous backup is gone, and did not end it';
    return { id, severity: 'warning', message, advice: START_AGAIN };
  }
  if (isAlive === true) {
    const message = because('the continuous backup fails, and tries again', error.code, error.message);
    return { id, severity: 'warning', message, advice: 'see why the destination cannot be written' };
  }
  const message = because('the continuous backup has ended', error.code, error.message);
  return {
    id,
    severity: 'critical',
    message,
    advice: 'remove the cause of that error, and start the continuous backup again',
  };
}

function ageCondition({ now, lastGood, unreachable, belongsTo }: WatchFacts, maxAge: number): Condition | undefined {
  const severity = 'critical';
  if (maxAge === Infinity || unreachable !== undefined || belongsTo !== undefined) return undefined;
  if (lastGood === undefined) {
    const advice = 'make a backup now with "securestore backup <url>", and see why no schedule has made one';
    return { id: 'no-backup', severity, message: 'no good backup exists', advice };
  }
  if (lastGood > now + SKEW) {
    const message = `the last good backup is of ${moment(lastGood)}, a time in the future, so its age is not known`;
    const advice = 'check the clocks, and which process has made that backup';
    return { id: 'backup-from-future', severity, message, advice };
  }
  // Written so that an invalid time is a condition, too.
  if (now - lastGood <= maxAge) return undefined;
  const message = `the last good backup is ${words(now - lastGood)} old (${moment(lastGood)})`;
  const advice = 'check the schedule and its last runs, or make a backup now';
  return { id: 'backup-age', severity, message, advice };
}

function missingCondition({ missing = 0 }: WatchFacts): Condition | undefined {
  if (missing === 0) return undefined;
  const message = `the store has lost ${missing === 1 ? 'an object' : `${missing} objects`} that the last backup has`;
  const advice =
    'restore what was lost, as it was, by "securestore scrub --repair <url>"; back up once more to see what is still missing, and its keys';
  return { id: 'missing-objects', severity: 'critical', message, advice };
}

/** Nothing repairs older snapshots that are damaged: they are removed. A retention knows only whether the own file of a snapshot is whole. */
const OLDER_REMOVED =
  '"securestore retention <url> --damaged" removes those whose own files are damaged, and the retention of the destination the others in time';

/** Each check that failed, and what to do: a backup copies again what only the newest snapshot needs. */
function checkConditions({ failedChecks = [] }: WatchFacts): Condition[] {
  return failedChecks.map(({ check, time, found, message, newest }) => {
    const name = check === 'verify' ? 'verification' : 'drill';
    const findings = found === 1 ? 'one finding' : `${found} findings`;
    const verify = '"securestore verify <url>"';
    const repairs: Readonly<Record<typeof newest, string>> = {
      damaged: `back up there once more, which copies everything again, and verify the result: ${verify}`,
      repaired: `the last backup has copied everything again: verify it by ${verify}`,
      intact: `only older snapshots are damaged: see which by ${verify}; ${OLDER_REMOVED}`,
    };
    const again = `see what is damaged by ${verify}, and drill once more when it is mended`;
    return {
      id: `failed-check:${check}`,
      severity: newest === 'damaged' || check === 'drill' ? 'critical' : 'warning',
      message: `the last ${name} of the backup, at ${moment(time)}, had ${findings}: ${message.replace(/\.$/, '')}`,
      advice: check === 'drill' ? again : repairs[newest],
    };
  });
}

function lagCondition({ lag, continuous }: WatchFacts, maxLag: number): Condition | undefined {
  if (lag === undefined || lag <= maxLag) return undefined;
  const isGone = continuous?.isAlive === false;
  const advice = isGone ? START_AGAIN : 'check the connection to the destination';
  const who = isGone ? ', and its process is gone' : '';
  const message = `the continuous backup is ${words(lag)} behind${who}: if the store is lost, the changes of that time are lost too`;
  return { id: 'lag', severity: 'critical', message, advice };
}

function emptyCondition({ objects }: WatchFacts): Condition | undefined {
  if (objects === undefined || objects.store === 0 || objects.recoveryPoint > 0) return undefined;
  const message = `the last backup has no objects, and the store has ${objects.store}`;
  return { id: 'empty-backup', severity: 'critical', message, advice: 'check which objects are backed up' };
}

function sizeCondition({ sizes = [] }: WatchFacts, shrinkage: number, growth: number): Condition | undefined {
  const last = sizes.at(-1);
  const before = sizes.slice(0, -1).toSorted((a, b) => a - b);
  const usual = before[Math.floor(before.length / 2)];
  if (last === undefined || usual === undefined || before.length < USUAL_SIZES) return undefined;
  if (last * shrinkage >= usual && last <= usual * growth) return undefined;
  const message = `the last backup has the size ${last}, while ${usual} is usual`;
  const done = last < usual ? 'deleted' : 'added';
  const advice = `see whether so much was ${done} on purpose before retention removes older backups`;
  return { id: 'size', severity: 'warning', message, advice };
}

function unverifiedCondition({ now, unverifiedSince }: WatchFacts, max: number): Condition | undefined {
  if (unverifiedSince === undefined || now - unverifiedSince <= max) return undefined;
  const message = `parts of the backup have not been verified for ${words(now - unverifiedSince)}`;
  return {
    id: 'unverified',
    severity: 'warning',
    message,
    advice: 'run "securestore verify <url>", or give the schedule of verification more time',
  };
}

function gapsCondition({ gaps = [] }: WatchFacts): Condition | undefined {
  const [first] = gaps;
  if (first === undefined) return undefined;
  const more = gaps.length === 1 ? '' : `, and in ${gaps.length - 1} more ${gaps.length === 2 ? 'gap' : 'gaps'}`;
  const message = `nothing can be restored from ${moment(first.from)} to ${moment(first.to)}${more}`;
  const advice = 'verify the destination, and see what interrupted the continuous backup';
  return { id: 'gaps', severity: 'critical', message, advice };
}

/**
 * The check that a scheduled verification failed with, if the newest snapshot is intact by it, or was repaired since. Only what the same run
 * has found, or a later one, tells that.
 */
function harmlessCheck(
  { task, lastRun, lastError }: ScheduleFacts,
  { failedChecks = [] }: WatchFacts,
): WatchCheck | undefined {
  if (task !== 'verify' || lastError !== 'INTEGRITY' || lastRun === undefined) return undefined;
  return failedChecks.find(
    ({ check, newest, time }) => check === 'verify' && newest !== 'damaged' && time >= lastRun - SAME_RUN,
  );
}

function scheduleConditions(schedule: ScheduleFacts, facts: WatchFacts, max: number): Condition[] {
  const { id, overdueSince, failures, lastError } = schedule;
  const found: Condition[] = [];
  if (overdueSince !== undefined) {
    const since = `${moment(overdueSince)}, ${words(facts.now - overdueSince)} ago`;
    const message = `a run of schedule ${id} was due at ${since}, and has not begun`;
    const advice = 'see that "securestore schedule run" is running on some machine';
    found.push({ id: `overdue:${id}`, severity: 'critical', message, advice });
  }
  if (failures > max) {
    const why = lastError === undefined ? '' : failures === 1 ? ` with ${lastError}` : `, the last with ${lastError}`;
    const runs = failures === 1 ? 'the last run' : `the last ${failures} runs`;
    const message = `${runs} of schedule ${id} failed${why}`;
    const run = `"securestore schedule run ${id}"`;
    const { newest } = harmlessCheck(schedule, facts) ?? {};
    const advice =
      newest === 'intact'
        ? `only older snapshots are damaged: ${OLDER_REMOVED}`
        : newest === 'repaired'
          ? `the last backup has copied everything again: verify it by ${run}`
          : `run ${run} to see why`;
    found.push({ id: `failed:${id}`, severity: newest === undefined ? 'critical' : 'warning', message, advice });
  }
  return found;
}

/** Schedules of which each run fails, since their destination was removed. */
function unregisteredConditions(schedules: NonNullable<WatchFacts['unregistered']>): Condition[] {
  return schedules.map(({ id, destination }) => ({
    id: `unregistered:${id}`,
    severity: 'critical',
    message: `each run of schedule ${id} fails: ${destination} is not a registered destination`,
    advice: `register it again by "securestore destination add ${shellWord(destination)}", or remove the schedule by "securestore schedule remove ${id}"`,
  }));
}

/** What is not as it should be. */
export function conditionsOf(facts: WatchFacts, thresholds: WatchThresholds = {}): Condition[] {
  // The texts know only of the destination, whose URL the facts may have.
  const { destination = 'URL' } = facts;
  return conditionsIn(facts, thresholds).map((condition) => ({
    ...condition,
    advice: condition.advice.replaceAll('<url>', () => shellWord(destination)),
  }));
}

function conditionsIn(facts: WatchFacts, thresholds: WatchThresholds): Condition[] {
  if (facts.unregistered !== undefined) return unregisteredConditions(facts.unregistered);
  const { maxAge = 26 * HOUR, maxLag = 5 * MINUTE, maxUnverified = 35 * DAY } = thresholds;
  const { maxShrinkage = 2, maxGrowth = 10, maxFailures = 0 } = thresholds;
  const replaced = replacedCondition(facts);
  if (replaced !== undefined) return [replaced];
  return [
    unreachableCondition(facts),
    otherCopyCondition(facts),
    ageCondition(facts, maxAge),
    missingCondition(facts),
    ...checkConditions(facts),
    emptyCondition(facts),
    lagCondition(facts, maxLag),
    followingCondition(facts),
    gapsCondition(facts),
    ...(facts.schedules ?? []).flatMap((schedule) => scheduleConditions(schedule, facts, maxFailures)),
    sizeCondition(facts, maxShrinkage, maxGrowth),
    unverifiedCondition(facts, maxUnverified),
  ].filter((condition) => condition !== undefined);
}
