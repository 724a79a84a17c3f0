import type { HistorySettings, RecordHeader } from '@securestore/core-format';

/** In milliseconds. */
export const DAY: number = 24 * 60 * 60 * 1000;
const MICROSECONDS = 1000;

/** What retention is decided by. All times are milliseconds since 1970 by the backend's clock. */
export interface RetentionRules {
  readonly history: HistorySettings;
  readonly now: number;
  readonly gracePeriod: number;
  /** What was written from then on stays: consumers of the journal have still to read it. Infinite if there are none. */
  readonly unreadSince: number;
  /** Whether the grace period has passed since something was written. */
  readonly isOld: (modified: number) => boolean;
}

/** The greatest version that a pass may forget: it is a grace period old by the clock that stamped it. */
export function forgettable({ now, gracePeriod }: RetentionRules): number {
  return Math.max(0, (now - gracePeriod) * MICROSECONDS);
}

/** How long ago, in milliseconds, a version must have been replaced, or an object deleted, to be forgotten. */
export function keptFor({ history, gracePeriod }: Pick<RetentionRules, 'history' | 'gracePeriod'>): number {
  return Math.max(history.days * DAY, gracePeriod);
}

/** The version that is current: its number, and when its record was last written. */
interface CurrentVersion {
  readonly header: Pick<RecordHeader, 'version'>;
  readonly modified: number;
}

/**
 * Why a past version is kept: as one of the newest that the history has of an object; since it was replaced not long ago; since it is younger than
 * the grace period; or since a consumer of the journal has still to read of it, such as a continuous backup.
 */
export type KeptReason = 'newest' | 'recent' | 'young' | 'unread';

/**
 * Decides which past versions of one object are kept: the newest ones, and those replaced not long ago, whichever rule
 * keeps more. To be called for each of them, newest first.
 *
 * A version was replaced when the next one was made, which that one's number says. Re-wrapping makes the bytes of a
 * version young again and leaves the numbers as they are, so that a store which renews its keys often still forgets.
 *
 * The next one may have landed long after it was numbered, and until then somebody may have read the version who is still
 * to copy it to the history. So a grace period must have passed since that one was written where it lies now, which is not
 * before it landed.
 *
 * @param origin the version with which the history of the object begins
 * @param onKept called for each that is kept
 */
export function prunable(
  rules: RetentionRules,
  current: CurrentVersion | undefined,
  origin = 0,
  onKept: (reason: KeptReason) => void = () => undefined,
): (version: number, modified: number) => boolean {
  const { history, now, isOld, unreadSince } = rules;
  let kept = 0;
  let successor: number | undefined = current?.header.version;
  let landed = current?.modified ?? 0;
  const keep = (reason: KeptReason): false => {
    kept += 1;
    onKept(reason);
    return false;
  };
  return (version, modified) => {
    // A copy of what is still current is left by an attempt that stopped half-way, or is under way.
    if (version === current?.header.version) return false;
    const replaced = successor === undefined || successor <= version ? modified : successor / MICROSECONDS;
    const isSettled = isOld(landed);
    [successor, landed] = [version, modified];
    if (!isOld(modified) || version > forgettable(rules)) return keep('young');
    if (modified >= unreadSince) return keep('unread');
    // What a purge has missed, or an attempt that was on its way has left behind it.
    if (version < origin) return true;
    if (kept < history.versions) return keep('newest');
    if (now - replaced < keptFor(rules)) return keep('recent');
    return isSettled || keep('young');
  };
}

/** Whether a tombstone is old enough to be forgotten. */
export function isForgettable(rules: RetentionRules, { version }: RecordHeader, modified: number): boolean {
  const isRead = modified < rules.unreadSince;
  return (
    isRead &&
    rules.isOld(modified) &&
    version <= forgettable(rules) &&
    rules.now - version / MICROSECONDS >= keptFor(rules)
  );
}
