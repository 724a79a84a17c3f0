import { errorPageOf, parseAdvice, SecureStoreError } from '@securestore/core-format';
import type { Advice, AdviceId, ErrorCode, LockReason } from '@securestore/core-format';

/** An error as it travels: the problem details of RFC 9457, with members of our own. Fields that are not known are left out. */
export interface Problem {
  /** The page that explains the code: one for each, which stays. */
  readonly type: string;
  /** What the code means, in a few words. */
  readonly title: string;
  /** The HTTP status that belongs to the code, also if the answer has begun with another one. */
  readonly status: number;
  /** The `detail` of the error: its message without the call and the key that it begins with. `operation` and `key` have them. */
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly operation?: string;
  readonly key?: string;
  readonly outcome?: 'unknown';
  readonly currentVersion?: string;
  /** The actions of which an approval is missing. */
  readonly approvals?: readonly string[];
  /** Why something is locked. */
  readonly reason?: LockReason;
  /** The option that is wrong. */
  readonly option?: string;
  /** What helps, the best first. */
  readonly advice?: readonly Advice[];
  /** Names the request in the log of the server. */
  readonly requestId?: string;
}

/** The media type of {@link Problem}, as RFC 9457 has it. */
export const PROBLEM_TYPE = 'application/problem+json';

const CODES: Readonly<Record<ErrorCode, readonly [status: number, title: string]>> = {
  NOT_FOUND: [404, 'Not found'],
  ACCESS_DENIED: [403, 'Access denied'],
  UNAUTHENTICATED: [401, 'Not signed in'],
  // Nothing that a caller could mend: what is stored is not what was stored.
  INTEGRITY: [500, 'Damaged or changed data'],
  ROLLBACK: [500, 'Older or another store'],
  FORMAT_VERSION: [500, 'Unknown format version'],
  KEY_DESTROYED: [410, 'Encryption key destroyed'],
  ALREADY_EXISTS: [409, 'Already exists'],
  CONFLICT: [409, 'Conflict'],
  UNAVAILABLE: [503, 'Unavailable'],
  TIMEOUT: [504, 'Timeout'],
  THROTTLED: [429, 'Too many requests'],
  NO_SPACE: [507, 'No space left'],
  READ_ONLY: [503, 'Read-only'],
  LOCKED: [423, 'Locked'],
  UNLOCK_FAILED: [422, 'Unlock secret refused'],
  INVALID_KEY: [400, 'Invalid key'],
  INVALID_ARGUMENT: [400, 'Invalid argument'],
  UNSUPPORTED: [422, 'Unsupported'],
  TOO_LARGE: [413, 'Too large'],
  BACKEND_NOT_INSTALLED: [422, 'Backend not installed'],
  ABORTED: [503, 'Aborted'],
  INTERNAL: [500, 'Internal error'],
};

/** The status of an error code. A failed condition that came as a header is 412 instead of 409. */
export function statusOf(code: ErrorCode): number {
  return CODES[code][0];
}

const DEFECT = 'the server has a defect; its log has more under the ID of the request';

function problemOf(code: ErrorCode, detail: string): Pick<Problem, 'type' | 'title' | 'status' | 'detail' | 'code'> {
  const [status, title] = CODES[code];
  return { type: errorPageOf(code), title, status, detail, code };
}

/** The fields of an error that travel, in their order. */
const FIELDS = ['operation', 'key', 'outcome', 'currentVersion', 'approvals', 'reason', 'option', 'advice'] as const;

/** `error` as it travels: without its causes, and of a defect nothing but that there is one. */
export function toProblem(error: unknown, requestId?: string): Problem {
  const id = requestId === undefined ? {} : { requestId };
  if (!SecureStoreError.is(error) || error.code === 'INTERNAL') {
    const outcome = SecureStoreError.is(error) && error.outcome !== undefined ? { outcome: error.outcome } : {};
    return { ...problemOf('INTERNAL', DEFECT), retryable: false, ...outcome, ...id };
  }
  const known = FIELDS.filter((field) => error[field] !== undefined).map((field) => [field, error[field]]);
  return {
    ...problemOf(error.code, error.detail),
    retryable: error.retryable,
    ...(Object.fromEntries(known) as Partial<Problem>),
    ...id,
  };
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * Advice about the machine of whoever reads it: its files, its packages, what it trusts, other stores. A server knows nothing of that, and a
 * hostile one would have a person paste it.
 */
const LOCAL: ReadonlySet<AdviceId> = new Set([
  'accept-rollback',
  'replace-store',
  'trust-first-use',
  'give-fingerprint',
  'use-anchor',
  'delete-anchor',
  'install-package',
  'open-at',
  'restrict-file',
  'move-file-away',
  'rename-file',
  // The commands of a migration unlock both stores, which would be any that the server names.
  'resume-migration',
  'cancel-migration',
  'reopen-source',
]);

/** The error that the other side sends as a {@link Problem}, with its code; `fallback` if it is no error of ours. */
export function fromProblem(sent: unknown, fallback: SecureStoreError): SecureStoreError {
  const problem = (sent ?? {}) as Record<string, unknown>;
  const { code, detail, retryable, operation, key, outcome, currentVersion, approvals, reason, option } = problem;
  if (typeof code !== 'string' || typeof detail !== 'string') return fallback;
  // A release that is newer may have codes that are not known here.
  const known = Object.hasOwn(CODES, code) ? (code as ErrorCode) : 'INTERNAL';
  return new SecureStoreError(known, detail, {
    retryable: retryable === true,
    operation: textIn(operation),
    key: textIn(key),
    outcome: outcome === 'unknown' ? outcome : undefined,
    currentVersion: textIn(currentVersion),
    approvals: Array.isArray(approvals) ? approvals.map(String) : undefined,
    // A newer release may have reasons that are not known here, too.
    reason: textIn(reason) as LockReason | undefined,
    option: textIn(option),
    advice: parseAdvice(problem['advice']).filter(({ id }) => !LOCAL.has(id)),
  });
}
