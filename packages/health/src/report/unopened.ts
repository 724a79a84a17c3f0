import type { ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { HealthReport } from './types.ts';
import { adviceOfReason, clauseOf, finding, NOTHING_THERE, verdictOfError } from './verdict.ts';

/** What keeps a store from being opened, and is not a mistake of the caller. */
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

const NOT_REPAIRED =
  'keep others from writing there; a store that cannot be opened cannot be repaired in place: restore it to a URL with nothing there, by ' +
  '"securestore restore <backup> --to <new url>"';

/** What to do about what keeps a store from being opened. */
function adviceFor(error: SecureStoreError): string {
  if (error.code === 'NOT_FOUND') return NOTHING_THERE;
  if (error.code === 'INTEGRITY' && error.reason === undefined) return NOT_REPAIRED;
  return error.reason === undefined ? verdictOfError(error)[1] : adviceOfReason(error);
}

/**
 * The health of a store that could not be opened: one check, `open`.
 *
 * @param error what opening it threw
 * @param took how long that took, in milliseconds
 * @returns `undefined` if that says nothing of the store, such as for a wrong secret
 */
export function unopened(error: unknown, time: Date, took = 0): HealthReport | undefined {
  if (!SecureStoreError.is(error) || !FINDINGS.has(error.code)) return undefined;
  const reason = `the store cannot be opened (${error.code}): ${clauseOf(error)}`;
  return { status: 'failing', checks: [finding('open', 'failing', [reason, adviceFor(error)])], time, took };
}
