import { isDeepStrictEqual, SecureStoreError } from '@securestore/core-format';
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
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "exclusive" of a job must not be false with an "id"', {
      option: 'exclusive',
    });
  }
}

/** Whether two states are of the same work. */
export function isSame(wanted: JobState, found: JobState): boolean {
  return found.kind === wanted.kind && isDeepStrictEqual(found.parameters, wanted.parameters);
}

/** @throws SecureStoreError `CONFLICT` if the unfinished job is another one */
export function checkSame(id: string, wanted: JobState, found: JobState): void {
  if (isSame(wanted, found)) return;
  const which = found.kind === wanted.kind ? 'has other parameters' : `is of the kind ${found.kind}`;
  throw new SecureStoreError('CONFLICT', `the unfinished job ${id} ${which}. Nothing was changed.`, {
    advice: [
      { id: 'resume-job', job: id },
      { id: 'forget-job', job: id },
    ],
  });
}

/** The error for an unfinished job that does not exist. */
export function notFound(id: string): SecureStoreError {
  return new SecureStoreError(
    'NOT_FOUND',
    `unfinished job ${id} does not exist: it ended, was forgotten or never began`,
    {
      advice: [{ id: 'list-jobs' }],
    },
  );
}

export function aborted(id: string, signal: AbortSignal): SecureStoreError {
  const reason: unknown = signal.reason;
  const advice = [{ id: 'resume-job', job: id }] as const;
  // The code tells a list of unfinished jobs whether a caller wanted the job to stop.
  if (SecureStoreError.is(reason) && reason.code !== 'ABORTED') {
    return new SecureStoreError(reason.code, `job ${id} was stopped: ${reason.message}`, {
      retryable: reason.retryable,
      reason: reason.reason,
      advice,
    });
  }
  const timedOut = (reason as { name?: unknown } | undefined)?.name === 'TimeoutError';
  return timedOut
    ? new SecureStoreError('TIMEOUT', `job ${id} took longer than its timeout`, { advice })
    : new SecureStoreError('ABORTED', `job ${id} was aborted`, { advice });
}

export function cancelled(id: string, reason: string | undefined): SecureStoreError {
  const why = reason === undefined ? '' : ` (${reason})`;
  return new SecureStoreError('ABORTED', `job ${id} was cancelled${why}`, { advice: [{ id: 'resume-job', job: id }] });
}
