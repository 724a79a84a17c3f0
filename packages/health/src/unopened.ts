import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { HealthReport } from './types.ts';
import { clauseOf, finding, verdictOfError } from './verdict.ts';

/** What keeps a store from being opened, and is no mistake of whoever opens it. */
const FINDINGS: ReadonlySet<ErrorCode> = new Set([
  'NOT_FOUND',
  'UNAVAILABLE',
  'TIMEOUT',
  'THROTTLED',
  'NO_SPACE',
  'READ_ONLY',
  'LOCKED',
  'ACCESS_DENIED',
  'UNAUTHENTICATED',
  'INTEGRITY',
  'ROLLBACK',
]);

const NOTHING_THERE =
  'see that the location is the right one, and that its disk is mounted; what is lost comes back from a backup, by "securestore restore <backup> --to <new location>"';

const NOT_YET = 'nothing is damaged: finish what was begun, or open the store where it is';

/** What to do about what keeps a store from being opened. */
function adviceFor(error: SecureStoreError): string {
  if (isNothingThere(error)) return NOTHING_THERE;
  // A store is being moved or restored to there.
  if (error.code === 'INTEGRITY' && /\bno store is here yet\b/.test(error.message)) return NOT_YET;
  return verdictOfError(error)[1];
}

/** Whether nothing lies there: also where somebody knows that something did. */
function isNothingThere({ code, message }: SecureStoreError): boolean {
  return code === 'NOT_FOUND' || (code === 'ROLLBACK' && /\bno store is here\b/.test(message));
}

/**
 * The health of a store that could not be opened: one check, `open`.
 *
 * @param error what opening it threw
 * @param took how long that took, in milliseconds
 * @returns `undefined` where that says nothing of the store, such as for a wrong secret
 */
export function unopened(error: unknown, time: Date, took = 0): HealthReport | undefined {
  if (!SecureStoreError.is(error) || !FINDINGS.has(error.code)) return undefined;
  // Who watches a store does not look for one to be made.
  const clause = clauseOf(error).replace(/; make one with createStore$/, '');
  const reason = `the store can not be opened (${error.code}): ${clause}`;
  return { status: 'failing', checks: [finding('open', 'failing', [reason, adviceFor(error)])], time, took };
}
