import type { ErrorCode } from '@securestore/core-format';
import { pointName, SecureStoreError } from '@securestore/core-format';

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** That a file is needed and not there. */
export class MissingFile extends SecureStoreError {
  constructor(name: string) {
    super('INTEGRITY', `the file ${name} of the backup is missing`);
  }
}

/** A file that is not what it was when it was written. */
export function damagedFile(name: string, reason: string): SecureStoreError {
  return new SecureStoreError('INTEGRITY', `the file ${name} of the backup is damaged: ${reason}`);
}

/** That a point is not the one that a later point names as the one before it. */
export function anotherPoint(number: number, after: number): SecureStoreError {
  return damagedFile(pointName(number), `another point lies there than the one that ${after} follows`);
}

/** Tells errors by their codes. */
export function hasCode(...codes: readonly ErrorCode[]): (error: unknown) => boolean {
  return (error) => codes.some((code) => SecureStoreError.is(error, code));
}

export const isNotFound: (error: unknown) => boolean = hasCode('NOT_FOUND');
export const isConflict: (error: unknown) => boolean = hasCode('CONFLICT');
/**
 * Whether a place refuses something for good: its credentials may not do it, or a lock holds what is there. Such places keep what was
 * written from whoever writes there.
 */
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

/** Does `work`, again as long as it fails in a way that another attempt may mend, and `tries` are left. @throws what the last one throws */
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
