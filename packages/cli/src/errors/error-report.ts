import type { Advice, ErrorCode, LockReason } from '@securestore/core-format';
import { errorPageOf, exitCodeOf, fileError, systemReasonOf, SecureStoreError } from '@securestore/core-format';
import type { OwnHint } from './hints.ts';
import { inOurFlags } from '../options/option-flags.ts';
import { ownHintsOf } from './refuse.ts';

/** The context of an error that is reported. */
export interface ErrorContext {
  /** The verb that failed, for errors that don't name an operation. */
  readonly operation?: string | undefined;
  /** Whether an interrupt was what ended the command. */
  readonly interrupted?: boolean | undefined;
  /** How to resume after an interrupt. */
  readonly resume?: readonly OwnHint[] | undefined;
  /** The item concerned, for the line of a failed one. */
  readonly subject?: string | undefined;
  /** Instead of the exit code that belongs to the error. */
  readonly exitCode?: number | undefined;
}

/** The report of an error, in this order and under these names with `--json`. */
export interface ErrorReport {
  readonly code: ErrorCode;
  readonly message: string;
  readonly key?: string;
  readonly operation?: string;
  readonly retryable: boolean;
  readonly exitCode: number;
  readonly outcome?: 'unknown';
  readonly currentVersion?: string;
  /** The actions of which the approval of a second person is missing. */
  readonly approvals?: readonly string[];
  /** Why something is locked. */
  readonly reason?: LockReason;
  /** The advice as data; `hints` has it in the terms of the command line. */
  readonly advice?: readonly Advice[];
  /** The message of what caused it, if there is one. */
  readonly cause?: string;
  /** The address of a page that explains the code, for those that need more than a line. */
  readonly page?: string;
}

/** Codes after which a person should read on before they do anything. */
const EXPLAINED: ReadonlySet<ErrorCode> = new Set(['INTEGRITY', 'ROLLBACK', 'LOCKED', 'KEY_DESTROYED']);

/** Whether an abort is behind an error, also as the reason why data to store could not be read. */
function isAbort(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'AbortError' || SecureStoreError.is(error, 'ABORTED') || isAbort(error.cause);
}

/** Whether an interrupt is behind an error. */
function isInterrupt(error: unknown, { interrupted }: ErrorContext): boolean {
  return interrupted === true && isAbort(error);
}

/** The hints that the command itself has for an error. */
export function commandHintsOf(error: unknown, context: ErrorContext): readonly OwnHint[] {
  return isInterrupt(error, context) ? (context.resume ?? []) : ownHintsOf(error);
}

function asSecureStoreError(error: unknown, context: ErrorContext): SecureStoreError {
  if (isInterrupt(error, context)) {
    const outcome = SecureStoreError.is(error) ? error.outcome : undefined;
    return new SecureStoreError('ABORTED', 'interrupted', { operation: context.operation, outcome });
  }
  if (SecureStoreError.is(error)) return error;
  const mapped = fileError(error, 'a file operation failed');
  if (SecureStoreError.is(mapped)) return mapped;
  const message = error instanceof Error ? error.message : 'something other than an error was thrown';
  return new SecureStoreError('INTERNAL', `defect of securestore, please report it: ${message}`, { cause: error });
}

/** The report of any error, with its exit code. */
export function reportOf(error: unknown, context: ErrorContext): ErrorReport {
  const known = asSecureStoreError(error, context);
  const operation = known.operation ?? context.operation;
  const cause = known.cause instanceof Error && known.cause !== error ? systemReasonOf(known.cause) : undefined;
  return {
    code: known.code,
    // The call of the library means nothing to a reader who typed a command.
    message: inOurFlags(known, context.operation),
    ...(known.key === undefined ? {} : { key: known.key }),
    ...(operation === undefined ? {} : { operation }),
    retryable: known.retryable,
    exitCode: context.exitCode ?? exitCodeOf(known.code),
    ...(known.outcome === undefined ? {} : { outcome: known.outcome }),
    ...(known.currentVersion === undefined ? {} : { currentVersion: known.currentVersion }),
    ...(known.approvals === undefined ? {} : { approvals: known.approvals }),
    ...(known.reason === undefined ? {} : { reason: known.reason }),
    ...(known.advice === undefined ? {} : { advice: known.advice }),
    ...(cause === undefined || known.message.includes(cause) ? {} : { cause }),
    ...(EXPLAINED.has(known.code) ? { page: errorPageOf(known.code) } : {}),
  };
}
