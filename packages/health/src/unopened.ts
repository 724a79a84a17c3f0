import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { HealthReport } from './types.ts';
import { clauseOf, finding, verdictOfError } from './verdict.ts';

/** What keeps a store from being opened, and is no mistake of whoever opens it. */
const FINDINGS: ReadonlySet<ErrorCode> = new Set([
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

/**
 * The health of a store that could not be opened: one check, `open`.
 *
 * @param error what opening it threw
 * @param took how long that took, in milliseconds
 * @returns `undefined` where that says nothing of the store, such as for a wrong secret
 */
export function unopened(error: unknown, time: Date, took = 0): HealthReport | undefined {
  if (!SecureStoreError.is(error) || !FINDINGS.has(error.code)) return undefined;
  const [, advice] = verdictOfError(error);
  const reason = `the store can not be opened (${error.code}): ${clauseOf(error)}`;
  return { status: 'failing', checks: [finding('open', 'failing', [reason, advice])], time, took };
}
