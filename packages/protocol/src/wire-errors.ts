import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';

/** An error as it travels. Fields that are not known are left out. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly operation?: string;
  readonly key?: string;
  readonly outcome?: 'unknown';
  readonly currentVersion?: string;
  /** The actions of which an approval is missing. */
  readonly approvals?: readonly string[];
  /** What tells the request in the log of the server. */
  readonly requestId?: string;
}

const STATUS: Readonly<Record<ErrorCode, number>> = {
  NOT_FOUND: 404,
  ACCESS_DENIED: 403,
  UNAUTHENTICATED: 401,
  // Nothing that a caller could mend: what is stored is not what was stored.
  INTEGRITY: 500,
  ROLLBACK: 500,
  FORMAT_VERSION: 500,
  KEY_DESTROYED: 410,
  ALREADY_EXISTS: 409,
  CONFLICT: 409,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
  THROTTLED: 429,
  NO_SPACE: 507,
  READ_ONLY: 503,
  LOCKED: 423,
  UNLOCK_FAILED: 422,
  INVALID_KEY: 400,
  INVALID_ARGUMENT: 400,
  UNSUPPORTED: 422,
  TOO_LARGE: 413,
  BACKEND_NOT_INSTALLED: 422,
  ABORTED: 503,
  INTERNAL: 500,
};

/** The status of an error code. A failed condition that came as a header is 412 instead of 409. */
export function statusOf(code: ErrorCode): number {
  return STATUS[code];
}

/** Every error code. */
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(STATUS) as ErrorCode[];

/** What is told of an error: without its causes, and of a defect nothing but that there is one. */
export function toWireError(error: unknown, requestId?: string): WireError {
  const id = requestId === undefined ? {} : { requestId };
  if (!SecureStoreError.is(error) || error.code === 'INTERNAL') {
    const message = 'this is a defect of the server; its log has more under the id of the request';
    const outcome = SecureStoreError.is(error) && error.outcome !== undefined ? { outcome: error.outcome } : {};
    return { code: 'INTERNAL', message, retryable: false, ...outcome, ...id };
  }
  const { code, message, retryable, operation, key, outcome, currentVersion, approvals } = error;
  return {
    code,
    message,
    retryable,
    ...(operation !== undefined && { operation }),
    ...(key !== undefined && { key }),
    ...(outcome !== undefined && { outcome }),
    ...(currentVersion !== undefined && { currentVersion }),
    ...(approvals !== undefined && { approvals }),
    ...id,
  };
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A message without the call and the object that it begins with: whoever asks says so in their own words. */
function withoutSubject(message: string, operation: unknown, key: unknown): string {
  const subjects = [`${String(operation)} ${JSON.stringify(key)}: `, `${String(operation)}: `];
  const subject = subjects.find((begin) => message.startsWith(begin));
  return subject === undefined ? message : message.slice(subject.length);
}

/** The error that the other side tells of, with its code. What is no error of ours is `fallback`. */
export function fromWireError(told: unknown, fallback: SecureStoreError): SecureStoreError {
  const { code, message, retryable, operation, key, outcome, currentVersion, approvals } = (told ?? {}) as Record<
    string,
    unknown
  >;
  if (typeof code !== 'string' || typeof message !== 'string') return fallback;
  // A release that is newer may have codes that are not known here.
  const known = Object.hasOwn(STATUS, code) ? (code as ErrorCode) : 'INTERNAL';
  return new SecureStoreError(known, withoutSubject(message, operation, key), {
    retryable: retryable === true,
    operation: textIn(operation),
    key: textIn(key),
    outcome: outcome === 'unknown' ? outcome : undefined,
    currentVersion: textIn(currentVersion),
    approvals: Array.isArray(approvals) ? approvals.map(String) : undefined,
  });
}
