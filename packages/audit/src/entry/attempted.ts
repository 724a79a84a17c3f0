import type { AuditOutcome, ErrorCode } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { AuditEvent } from './redact.ts';

/** What an attempt is recorded as, beside its outcome. */
export interface Attempted extends Pick<AuditEvent, 'action' | 'principal' | 'object' | 'category' | 'requestId'> {
  /** Whether nothing is changed by it. */
  readonly readOnly?: boolean | undefined;
  /** Whether its result is told although it can't be recorded, unless it is denied: that of looking at the log, which is how a person finds out why. */
  readonly evenUnrecorded?: boolean | undefined;
  /** Beside {@link evenUnrecorded}, whether that is told before it is recorded: how the store is, which is told in time. */
  readonly beforeRecorded?: boolean | undefined;
  /** What else there is to say of it; next to its code if it fails. */
  readonly reason?: string | undefined;
}

export function outcomeOf(error: unknown, { reason }: Attempted): { outcome: AuditOutcome; reason: string } {
  const isDenied = SecureStoreError.is(error, 'ACCESS_DENIED') || SecureStoreError.is(error, 'UNAUTHENTICATED');
  const code = SecureStoreError.is(error) ? error.code : 'INTERNAL';
  return { outcome: isDenied ? 'denied' : 'failed', reason: reason === undefined ? code : `${code}: ${reason}` };
}

export function eventOf(about: Attempted, outcome: AuditOutcome, reason: unknown, begun: number): AuditEvent {
  const { action, principal, object, category, requestId } = about;
  return { action, principal, object, category, requestId, outcome, reason, duration: performance.now() - begun };
}

/** What would be taken for an answer to what was tried, if it is about the log. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set(['ACCESS_DENIED', 'UNAUTHENTICATED', 'NOT_FOUND']);

/** What became of it, but could not be recorded, is not answered: in the same words whether it was done, denied, or failed. */
export function unrecorded(error: unknown, { readOnly }: Attempted): SecureStoreError {
  const known = SecureStoreError.is(error) ? error : undefined;
  const why = known?.message ?? 'an unexpected error';
  const reported = known?.code ?? 'INTERNAL';
  const code = ANSWERS.has(reported) ? 'UNAVAILABLE' : reported;
  if (readOnly === true) {
    return new SecureStoreError(code, `the result is withheld, since the attempt could not be recorded: ${why}`, {
      cause: error,
    });
  }
  const message = `the outcome is withheld, since the attempt could not be recorded: ${why}`;
  return new SecureStoreError(code, message, { outcome: 'unknown', retryable: false, cause: error });
}
