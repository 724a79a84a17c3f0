import type { Advice, ErrorCode } from '@securestore/core-format';
import { pointName, SecureStoreError } from '@securestore/core-format';

/** @throws SecureStoreError `INVALID_ARGUMENT` */
export function refuse(message: string, ...advice: readonly Advice[]): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, { advice });
}

/** @param must what it must be, such as `must be a function` @throws SecureStoreError `INVALID_ARGUMENT` */
export function refuseOption(option: string, must: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `the option "${option}" ${must}`, { option });
}

/** What helps against damage of a file; {@link namingDestination} says of which destination. */
const OF_DAMAGE: readonly Advice[] = [{ id: 'verify-backup' }, { id: 'choose-snapshot' }];

/** No backups are at the destination. */
export function noBackup(url: string): SecureStoreError {
  return new SecureStoreError('NOT_FOUND', `no backup exists at ${url}`, {
    advice: [{ id: 'check-store-url', url }],
  });
}

/** The backups that a store remembers at a destination are not there. */
export function lostBackup(url: string): SecureStoreError {
  const message = `no backup exists at ${url} any more, though the store was backed up there. Nothing was written.`;
  return new SecureStoreError('NOT_FOUND', message, {
    advice: [
      { id: 'check-store-url', url },
      { id: 'replace-destination', destination: url },
    ],
  });
}

/** A destination has no snapshot. */
export function noSnapshot({ url }: { readonly url: string }): SecureStoreError {
  return new SecureStoreError('NOT_FOUND', `no snapshot exists at ${url}`, {
    advice: [{ id: 'make-snapshot', destination: url }],
  });
}

/** A file that a point needs does not exist. */
export class MissingFile extends SecureStoreError {
  constructor(name: string) {
    super('INTEGRITY', `the file ${name} of the backup is missing`, { advice: OF_DAMAGE });
  }
}

/** A file differs from what was written. */
export function damagedFile(name: string, reason: string): SecureStoreError {
  const message = `the file ${name} of the backup is damaged: ${reason}`;
  return new SecureStoreError('INTEGRITY', message, { advice: OF_DAMAGE });
}

/** A point is not the one that a later point names as its predecessor. */
export function anotherPoint(number: number, after: number): SecureStoreError {
  return damagedFile(pointName(number), `snapshot ${after} follows another one`);
}

/** Reads and decodes a file of a backup: damage that is found has the advice of {@link damagedFile}. */
export async function decodingFile<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!SecureStoreError.is(error, 'INTEGRITY') || error.advice !== undefined) throw error;
    throw SecureStoreError.from(error, { advice: OF_DAMAGE });
  }
}

/** An error about damage of a backup, with the destination in its advice; any other one as it is. */
export function namingDestination(error: unknown, destination: string): unknown {
  if (!SecureStoreError.is(error) || error.advice === undefined) return error;
  const advice = error.advice.map((one) =>
    one.id === 'verify-backup' || one.id === 'choose-snapshot' ? { destination, ...one } : one,
  );
  return SecureStoreError.from(error, { advice });
}

/** Tells errors by their codes. */
export function hasCode(...codes: readonly ErrorCode[]): (error: unknown) => boolean {
  return (error) => codes.some((code) => SecureStoreError.is(error, code));
}

export const isNotFound: (error: unknown) => boolean = hasCode('NOT_FOUND');
export const isConflict: (error: unknown) => boolean = hasCode('CONFLICT');
/** Whether a destination refuses for good: the credentials lack the right, or a lock of the backend holds the file. */
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
