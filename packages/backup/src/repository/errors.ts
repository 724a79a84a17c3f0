import type { ErrorCode } from '@securestore/core-format';
import { pointName, SecureStoreError } from '@securestore/core-format';

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** A file that a point needs does not exist. */
export class MissingFile extends SecureStoreError {
  constructor(name: string) {
    super('INTEGRITY', `the file ${name} of the backup is missing`);
  }
}

/** A file differs from what was written. */
export function damagedFile(name: string, reason: string): SecureStoreError {
  return new SecureStoreError('INTEGRITY', `the file ${name} of the backup is damaged: ${reason}`);
}

/** A point is not the one that a later point names as its predecessor. */
export function anotherPoint(number: number, after: number): SecureStoreError {
  return damagedFile(pointName(number), `another point lies there than the one that ${after} follows`);
}

/** Tells errors by their codes. */
export function hasCode(...codes: readonly ErrorCode[]): (error: unknown) => boolean {
  return (error) => codes.some((code) => SecureStoreError.is(error, code));
}

export const isNotFound: (error: unknown) => boolean = hasCode('NOT_FOUND');
export const isConflict: (error: unknown) => boolean = hasCode('CONFLICT');
/** Whether a destination refuses for good: the credentials lack the right, or a lock holds the file. */
export const isRefused: (error: unknown) => boolean = hasCode('ACCESS_DENIED', 'READ_ONLY');

/** What `work` gives, or `instead` if it fails in an expected way. @throws what `work` throws otherwise */
export async function withFallback<T, F>(
  isExpected: (error: unknown) => boolean,
  instead: F,
  work: () => Promise<T>,
): Promise<T | F> {
  try {
    return await work();
  } catch (error) {
    if (isExpected(error)) return instead;
    throw error;
  }
}

/** Does `work` up to `tries` times, as long as another attempt may pass. @throws what the last attempt throws */
export async function withRetries<T>(
  mayPass: (error: unknown) => boolean,
  tries: number,
  work: () => Promise<T>,
): Promise<T> {
  for (let left = tries; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (left <= 1 || !mayPass(error)) throw error;
    }
  }
}
