import { isDeepStrictEqual } from 'node:util';
import { SecureStoreError } from '@securestore/core-format';
import type { JobState } from './state.ts';
import { isJobId, isKindName } from './state.ts';
import type { StartOptions } from './types.ts';

export function checkId(id: unknown): asserts id is string {
  if (isJobId(id)) return;
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    'the id of a job must have 1 to 64 characters of a-z, 0-9 and, not at its ends, -',
  );
}

export function checkStart(name: string, { id, exclusive }: StartOptions): void {
  if (!isKindName(name)) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      'the name of a kind of job must have 1 to 40 characters of a-z, 0-9 and, not at its ends, -',
    );
  }
  if (id !== undefined && exclusive === false) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'give either the id of the job or "exclusive: false", not both');
  }
}

/** Whether two states are of the same work. */
export function isSame(wanted: JobState, found: JobState): boolean {
  return found.kind === wanted.kind && isDeepStrictEqual(found.parameters, wanted.parameters);
}

/** @throws SecureStoreError `CONFLICT` where the unfinished job is another one */
export function checkSame(id: string, wanted: JobState, found: JobState): void {
  if (isSame(wanted, found)) return;
  const which = found.kind === wanted.kind ? 'other parameters' : `the kind ${found.kind}`;
  const message = `the unfinished job ${id} has ${which}: resume it, or forget it and start this one`;
  throw new SecureStoreError('CONFLICT', message);
}

export function notFound(id: string): SecureStoreError {
  return new SecureStoreError(
    'NOT_FOUND',
    `there is no unfinished job ${id}: it is done, was forgotten, or never began`,
  );
}

export function aborted(id: string, signal: AbortSignal): SecureStoreError {
  const reason: unknown = signal.reason;
  // Whoever looks at what is unfinished tells by it what nobody wanted to stop.
  if (SecureStoreError.is(reason) && reason.code !== 'ABORTED') {
    return new SecureStoreError(reason.code, `job ${id} was stopped: ${reason.message}; it can be resumed`, {
      retryable: reason.retryable,
    });
  }
  const timedOut = (reason as { name?: unknown } | undefined)?.name === 'TimeoutError';
  return timedOut
    ? new SecureStoreError('TIMEOUT', `job ${id} took longer than its timeout: it can be resumed`)
    : new SecureStoreError('ABORTED', `job ${id} was aborted: it can be resumed`);
}

export function cancelled(id: string, reason: string | undefined): SecureStoreError {
  const why = reason === undefined ? '' : ` (${reason})`;
  return new SecureStoreError('ABORTED', `job ${id} was cancelled${why}: it can be resumed`);
}
