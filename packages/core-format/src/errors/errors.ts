import type { Advice } from './advice.ts';

/**
 * What went wrong, as a word that programs may switch on. Codes are added in minor releases and never change
 * their meaning; {@link exitCodeOf} gives the exit code of the command line for each.
 */
export type ErrorCode =
  | 'NOT_FOUND'
  | 'ACCESS_DENIED'
  | 'UNAUTHENTICATED'
  | 'INTEGRITY'
  | 'ROLLBACK'
  | 'KEY_DESTROYED'
  | 'FORMAT_VERSION'
  | 'ALREADY_EXISTS'
  | 'CONFLICT'
  | 'UNAVAILABLE'
  | 'TIMEOUT'
  | 'THROTTLED'
  | 'NO_SPACE'
  | 'READ_ONLY'
  | 'LOCKED'
  | 'UNLOCK_FAILED'
  | 'INVALID_KEY'
  | 'INVALID_ARGUMENT'
  | 'UNSUPPORTED'
  | 'TOO_LARGE'
  | 'BACKEND_NOT_INSTALLED'
  | 'ABORTED'
  | 'INTERNAL';

const EXIT_CODES: Readonly<Record<ErrorCode, number>> = {
  NOT_FOUND: 3,
  ACCESS_DENIED: 4,
  UNAUTHENTICATED: 4,
  INTEGRITY: 5,
  ROLLBACK: 5,
  KEY_DESTROYED: 5,
  FORMAT_VERSION: 5,
  ALREADY_EXISTS: 6,
  CONFLICT: 6,
  UNAVAILABLE: 7,
  TIMEOUT: 7,
  THROTTLED: 7,
  NO_SPACE: 7,
  READ_ONLY: 7,
  LOCKED: 7,
  UNLOCK_FAILED: 9,
  INVALID_KEY: 2,
  INVALID_ARGUMENT: 2,
  UNSUPPORTED: 2,
  TOO_LARGE: 2,
  BACKEND_NOT_INSTALLED: 2,
  ABORTED: 130,
  INTERNAL: 1,
};

/** Every error code. */
export const ERROR_CODES: readonly ErrorCode[] = Object.keys(EXIT_CODES) as ErrorCode[];

/** Codes for which trying the same call again may succeed without anyone mending anything. */
const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['UNAVAILABLE', 'TIMEOUT', 'THROTTLED']);

/** The process exit code of the command line for `code`. */
export function exitCodeOf(code: ErrorCode): number {
  return EXIT_CODES[code];
}

const ERROR_PAGE = 'https://github.com/securestore/securestore/blob/main/docs/errors.md';

/** The address of what explains `code`, which stays the same: the `type` of an error over HTTP. */
export function errorPageOf(code: ErrorCode): string {
  return `${ERROR_PAGE}#${code.toLowerCase()}`;
}

/**
 * Why a store, or a job of it, is `LOCKED`; `incomplete` and `missing` also tell apart what other codes have in common. Reasons are added
 * in minor releases and never change their meaning.
 */
export type LockReason =
  /** The store is being moved; `retryable` if it takes calls again by itself. */
  | 'migrating'
  /** The store has moved to another store URL, and is to be opened there. */
  | 'migrated'
  /** A migration or a restore to the store URL has not ended, and the store is not open there yet. */
  | 'incomplete'
  /** The whole store is being restored, or was until a restore was interrupted. */
  | 'restoring'
  /** The categories of the store are being changed. */
  | 'changing-categories'
  /** A rotation is under way, or was interrupted. */
  | 'rotating'
  /** Another process runs the job. */
  | 'job-running'
  /** Another process has taken the job over, or stopped it. */
  | 'job-lost'
  /** The slot that opened the store was removed or replaced. */
  | 'slot-removed'
  /** The store was restored or moved since it was opened. */
  | 'replaced'
  /** The store was made for a drill, and only drills open it. */
  | 'scratch'
  /** With `ROLLBACK`: no store is at the URL, though one was there before. */
  | 'missing'
  /** The backend is locked by another program. */
  | 'backend';

/** What is known of a failure beside its message. Fields that are not known are left out. */
export interface ErrorDetails {
  /** The message without the call and the key that it begins with, as `operation` and `key` have them; by default the message. */
  readonly detail?: string | undefined;
  /** Whether the same call may succeed later; by default true for `UNAVAILABLE`, `TIMEOUT` and `THROTTLED`. */
  readonly retryable?: boolean | undefined;
  /** The call of the surface or of the backend that failed, such as `store` or `write`. */
  readonly operation?: string | undefined;
  /** The name of the object concerned: the caller's own name above the object engine, the backend's below it. */
  readonly key?: string | undefined;
  /** The name of the backend that reported the failure. */
  readonly backend?: string | undefined;
  /** Set where a write may or may not have taken place. */
  readonly outcome?: 'unknown' | undefined;
  /** With `CONFLICT`: the version that stands in the way; absent where the object does not exist. */
  readonly currentVersion?: string | undefined;
  /**
   * With `ACCESS_DENIED`: the actions of which the approval of a second person is missing; absent if the call is not allowed at all. Empty
   * with `INVALID_ARGUMENT` if an approval was requested that is not needed.
   */
  readonly approvals?: readonly string[] | undefined;
  /**
   * With `LOCKED`: why. With `INTEGRITY`: `incomplete` if a restore or a migration to the store URL has not ended. With `ROLLBACK`: `missing`
   * if no store is at the URL, though one was there before.
   */
  readonly reason?: LockReason | undefined;
  /** With `INVALID_ARGUMENT`: the option that is wrong, such as `historyVersions` or `tls.key`. */
  readonly option?: string | undefined;
  /** What helps, the best first. */
  readonly advice?: readonly Advice[] | undefined;
  /** With a failed backend batch: the index of the operation whose condition failed. */
  readonly index?: number | undefined;
  readonly cause?: unknown;
}

/** Survives duplicate copies of this package in one dependency tree, where `instanceof` does not. */
const BRAND: unique symbol = Symbol.for('securestore.error') as never;

/**
 * The one error class of every securestore package.
 *
 * No message and no cause holds a payload, a metadata value, a passphrase or a key.
 */
export class SecureStoreError extends Error {
  readonly code: ErrorCode;
  /**
   * The message without the call and the key that it begins with: what to show beside `operation` and `key`, or without them. The same as the
   * message if that begins with neither. As with the message, never decide by it.
   */
  declare readonly detail: string;
  readonly retryable: boolean;
  declare readonly operation?: string;
  declare readonly key?: string;
  declare readonly backend?: string;
  declare readonly outcome?: 'unknown';
  declare readonly currentVersion?: string;
  declare readonly approvals?: readonly string[];
  declare readonly reason?: LockReason;
  declare readonly option?: string;
  declare readonly advice?: readonly Advice[];
  declare readonly index?: number;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    // As the message, it does not show among the properties of an error that is printed.
    Object.defineProperty(this, 'detail', { value: details.detail ?? message, configurable: true, writable: true });
    this.retryable = details.retryable ?? RETRYABLE.has(code);
    if (details.operation !== undefined) this.operation = details.operation;
    if (details.key !== undefined) this.key = details.key;
    if (details.backend !== undefined) this.backend = details.backend;
    if (details.outcome !== undefined) this.outcome = details.outcome;
    if (details.currentVersion !== undefined) this.currentVersion = details.currentVersion;
    if (details.approvals !== undefined) this.approvals = details.approvals;
    if (details.reason !== undefined) this.reason = details.reason;
    if (details.option !== undefined) this.option = details.option;
    if (details.advice !== undefined && details.advice.length > 0) this.advice = details.advice;
    if (details.index !== undefined) this.index = details.index;
  }

  /** The process exit code of the command line for this error. */
  get exitCode(): number {
    return exitCodeOf(this.code);
  }

  /**
   * A copy of `error`, which may be of another copy of this package: with another message, or other details.
   *
   * @param changes what is different in the copy; everything else stays, the cause included. Another message is the detail, too, unless
   *   `detail` says otherwise.
   */
  static from(error: SecureStoreError, changes: ErrorDetails & { readonly message?: string }): SecureStoreError {
    const { message = error.message, ...details } = changes;
    const detail = changes.message === undefined ? error.detail : undefined;
    const known: ErrorDetails = error;
    return new SecureStoreError(error.code, message, { ...known, cause: error.cause, detail, ...details });
  }

  /** Whether `error` is a {@link SecureStoreError} (of any copy of this package), and has `code` if one is given. */
  static is<C extends ErrorCode>(error: unknown, code?: C): error is SecureStoreError & { code: C } {
    return (
      typeof error === 'object' &&
      error !== null &&
      (error as { [BRAND]?: unknown })[BRAND] === true &&
      (code === undefined || (error as { code?: unknown }).code === code)
    );
  }
}

// On the prototype, so that neither shows among the properties of an error that is printed.
Object.defineProperties(SecureStoreError.prototype, {
  name: { value: 'SecureStoreError', configurable: true, writable: true },
  [BRAND]: { value: true },
});

/** Whether `error` says that something is not as it was written, or that this release can't read it. */
export function isDamage(error: unknown): error is SecureStoreError {
  return SecureStoreError.is(error, 'INTEGRITY') || SecureStoreError.is(error, 'FORMAT_VERSION');
}
