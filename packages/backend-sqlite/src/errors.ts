import { SecureStoreError, type ErrorCode, type ErrorDetails } from '@securestore/core-format';
import { errnoOf } from './errno.ts';
import { readFailure } from './outages.ts';

/** Primary result codes and extended ones, https://www.sqlite.org/rescode.html. */
const BUSY = 5;
const LOCKED = 6;
const IOERR_SHMSIZE = 4874;
const READONLY_DBMOVED = 1032;
const CORRUPT = 11;
const UNREADABLE: readonly [ErrorCode, string] = ['UNAVAILABLE', 'reading or writing the file failed; check the disk'];

const CODES: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  3: ['READ_ONLY', 'the database file may not be written; check its permissions'],
  [BUSY]: ['UNAVAILABLE', 'another process holds the write lock; try again'],
  [LOCKED]: ['UNAVAILABLE', 'the database is locked; try again'],
  7: ['UNAVAILABLE', 'SQLite is out of memory'],
  8: [
    'READ_ONLY',
    'the database may not be written; check the permissions of the file and of its folder, and the mount',
  ],
  10: UNREADABLE,
  [CORRUPT]: ['INTEGRITY', 'the database is damaged; check the disk, then restore it from a backup'],
  13: ['NO_SPACE', 'the disk is full; free some space and try again'],
  14: ['UNAVAILABLE', 'the file can not be opened; check that its folder exists, and that both may be read'],
  18: ['TOO_LARGE', 'the body is too large for SQLite'],
  [IOERR_SHMSIZE]: [
    'NO_SPACE',
    'the disk is full, and SQLite needs 32 KiB there even to read; free some space and try again',
  ],
  26: ['FORMAT_VERSION', 'the file is not a SQLite database; choose another file, nothing was changed'],
};

/** The extended result code of an error of `node:sqlite`. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode : undefined;
}

/** Whether another connection holds the lock that was asked for. */
function isLocked(error: unknown): boolean {
  const primary = (resultCode(error) ?? 0) & 0xff;
  return primary === BUSY || primary === LOCKED;
}

/** Whether waiting helps: for a lock of another connection, or for files to be closed. */
export function isBusy(error: unknown): boolean {
  return isLocked(error) || ['EMFILE', 'ENFILE'].includes(errnoOf(error));
}

/** Whether SQLite took what it read for damaged. It says so of what it could not read, too. */
export function isMalformed(error: unknown): boolean {
  return ((resultCode(error) ?? 0) & 0xff) === CORRUPT;
}

/** What is said where waiting did not help. @param waited in seconds */
export function stillBusy(error: unknown, path: string, waited: number, details: ErrorDetails): SecureStoreError {
  if (!isLocked(error)) return toStoreError(error, path, details);
  return new SecureStoreError(
    'UNAVAILABLE',
    `${path}: other processes kept the write lock for ${waited} s; try again`,
    details,
  );
}

/** Whether SQLite could open neither the file nor its shared memory, as on a read-only file system. */
export function isUnopenable(error: unknown): boolean {
  const primary = (resultCode(error) ?? 0) & 0xff;
  return primary === 14 || primary === 8;
}

/** Whether the transaction surely left nothing behind although `COMMIT` failed. */
export function isCleanCommitFailure(error: unknown): boolean {
  const code = resultCode(error);
  return code !== undefined && (code & 0xff) !== 10;
}

const FILE_CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['NO_SPACE', 'the disk is full; free some space and try again'],
  EDQUOT: ['NO_SPACE', 'the disk quota is used up; free some space and try again'],
  EROFS: ['READ_ONLY', 'the file system is mounted read-only'],
  EACCES: ['READ_ONLY', 'permission denied; check the owner and the mode of the file and of its folder'],
  EPERM: ['READ_ONLY', 'permission denied; check the owner and the mode of the file and of its folder'],
  ENOTDIR: ['INVALID_ARGUMENT', 'a part of the path is a file and not a folder'],
  EEXIST: ['INVALID_ARGUMENT', 'a part of the path is a file and not a folder'],
  EMFILE: ['UNAVAILABLE', 'too many files are open in this process; close some or raise the limit (ulimit -n)'],
  ENFILE: ['UNAVAILABLE', 'too many files are open on this machine; close some or raise the limit'],
  ENAMETOOLONG: ['INVALID_ARGUMENT', 'the path is too long for this file system'],
};

/** What an error of `node:fs` or `node:sqlite` about `path` means, and what to do about it. */
function meaningOf(error: unknown, path: string): readonly [ErrorCode, string] {
  if (isMalformed(error) && readFailure(path) !== undefined) return UNREADABLE;
  const extended = resultCode(error);
  const known = extended === undefined ? FILE_CODES[errnoOf(error)] : (CODES[extended] ?? CODES[extended & 0xff]);
  return known ?? (extended === undefined ? ['UNAVAILABLE', 'the file system failed'] : ['INTERNAL', 'SQLite failed']);
}

/** Translates an error of `node:sqlite` or `node:fs` about `path`; to one of ours it adds what is known of the call. */
export function toStoreError(error: unknown, path: string, details: ErrorDetails): SecureStoreError {
  if (SecureStoreError.is(error)) {
    if (error.operation !== undefined) return error;
    return new SecureStoreError(error.code, error.message, {
      ...details,
      outcome: error.outcome,
      retryable: error.retryable,
      cause: error.cause,
    });
  }
  const extended = resultCode(error);
  const common: ErrorDetails = { ...details, backend: 'sqlite', cause: error };
  if (extended === READONLY_DBMOVED) return vanished(path, common);
  const [code, advice] = meaningOf(error, path);
  return new SecureStoreError(code, `${path}: ${advice}`, common);
}

/** The file that was open is not at its path any more. */
export function vanished(path: string, details: ErrorDetails = {}): SecureStoreError {
  return new SecureStoreError(
    'UNAVAILABLE',
    `${path} was removed or replaced while it was open; put it back, close the store and open it again`,
    { retryable: false, ...details, backend: 'sqlite' },
  );
}
