import { type Advice, SecureStoreError, type ErrorCode, type ErrorDetails } from '@securestore/core-format';
import { errnoOf } from './errno.ts';
import { readFailure } from './outages.ts';

/** Primary result codes and extended ones, https://www.sqlite.org/rescode.html. */
const BUSY = 5;
const LOCKED = 6;
const IOERR_SHMSIZE = 4874;
const READONLY_DBMOVED = 1032;
const CORRUPT = 11;

type Meaning = readonly [code: ErrorCode, reason: string, advice?: readonly Advice[]];

const CHECK_ACCESS = [{ id: 'check-backend-access' }] as const;
const TRY_AGAIN = [{ id: 'try-again' }] as const;
const UNREADABLE: Meaning = ['UNAVAILABLE', 'the disk cannot read or write the file'];

const CODES: Readonly<Record<number, Meaning>> = {
  3: ['READ_ONLY', 'the database may not be written', CHECK_ACCESS],
  [BUSY]: ['UNAVAILABLE', 'another process holds the write lock', TRY_AGAIN],
  [LOCKED]: ['UNAVAILABLE', 'the database is locked', TRY_AGAIN],
  7: ['UNAVAILABLE', 'SQLite is out of memory'],
  8: ['READ_ONLY', 'the database, its folder or its file system may not be written', CHECK_ACCESS],
  10: UNREADABLE,
  [CORRUPT]: ['INTEGRITY', 'the database is damaged', [{ id: 'restore-store' }]],
  13: ['NO_SPACE', 'the disk is full'],
  14: ['UNAVAILABLE', 'the file or its folder does not exist, or may not be read', CHECK_ACCESS],
  18: ['TOO_LARGE', 'the body is too large for SQLite'],
  [IOERR_SHMSIZE]: ['NO_SPACE', 'the disk is full, and SQLite needs 32 KiB even to read'],
  26: ['FORMAT_VERSION', 'the file is not a SQLite database. Nothing was changed.', [{ id: 'choose-store-url' }]],
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

/** Whether SQLite reports damage. It also does so if it could not read a page. */
export function isMalformed(error: unknown): boolean {
  return ((resultCode(error) ?? 0) & 0xff) === CORRUPT;
}

/** The error if waiting did not help. @param waited in seconds */
export function stillBusy(error: unknown, path: string, waited: number, details: ErrorDetails): SecureStoreError {
  if (!isLocked(error)) return toStoreError(error, path, details);
  return new SecureStoreError('UNAVAILABLE', `${path}: other processes kept the write lock for ${waited} s`, {
    ...details,
    advice: TRY_AGAIN,
  });
}

/** Whether SQLite could open neither the file nor its shared memory, as on a read-only file system. */
export function isUnopenable(error: unknown): boolean {
  const primary = (resultCode(error) ?? 0) & 0xff;
  return primary === 14 || primary === 8;
}

/** Whether the transaction certainly left nothing behind although `COMMIT` failed. */
export function isCleanCommitFailure(error: unknown): boolean {
  const code = resultCode(error);
  return code !== undefined && (code & 0xff) !== 10;
}

const FILE_CODES: Readonly<Record<string, Meaning>> = {
  ENOSPC: ['NO_SPACE', 'the disk is full'],
  EDQUOT: ['NO_SPACE', 'the disk quota is used up'],
  EROFS: ['READ_ONLY', 'the file system is mounted read-only'],
  EACCES: ['READ_ONLY', 'permission denied', CHECK_ACCESS],
  EPERM: ['READ_ONLY', 'permission denied', CHECK_ACCESS],
  ENOTDIR: ['INVALID_ARGUMENT', 'a part of the path is a file and not a folder'],
  EEXIST: ['INVALID_ARGUMENT', 'a part of the path is a file and not a folder'],
  EMFILE: ['UNAVAILABLE', 'too many files are open in this process, by the limit of ulimit -n'],
  ENFILE: ['UNAVAILABLE', 'too many files are open on this machine'],
  ENAMETOOLONG: ['INVALID_ARGUMENT', 'the path is too long for the file system', [{ id: 'choose-store-url' }]],
};

/** What an error of `node:fs` or `node:sqlite` about `path` means, and what helps. */
function meaningOf(error: unknown, path: string): Meaning {
  if (isMalformed(error) && readFailure(path) !== undefined) return UNREADABLE;
  const extended = resultCode(error);
  const known = extended === undefined ? FILE_CODES[errnoOf(error)] : (CODES[extended] ?? CODES[extended & 0xff]);
  return known ?? (extended === undefined ? ['UNAVAILABLE', 'the file system failed'] : ['INTERNAL', 'SQLite failed']);
}

/** Translates an error of `node:sqlite` or `node:fs` about `path`; to one of ours it adds what is known of the call. */
export function toStoreError(error: unknown, path: string, details: ErrorDetails): SecureStoreError {
  if (SecureStoreError.is(error)) {
    if (error.operation !== undefined) return error;
    const { outcome, retryable, cause } = error;
    return SecureStoreError.from(error, { ...details, outcome, retryable, cause });
  }
  const extended = resultCode(error);
  const common: ErrorDetails = { ...details, backend: 'sqlite', cause: error };
  if (extended === READONLY_DBMOVED) return vanished(path, common);
  const [code, reason, advice] = meaningOf(error, path);
  return new SecureStoreError(code, `${path}: ${reason}`, { ...common, advice });
}

/** The error if the file that was open is not at its path any more. */
export function vanished(path: string, details: ErrorDetails = {}): SecureStoreError {
  return new SecureStoreError('UNAVAILABLE', `${path} was removed or replaced while it was open`, {
    retryable: false,
    advice: [{ id: 'check-store-url', url: `sqlite:${path}` }, { id: 'reopen-store' }],
    ...details,
    backend: 'sqlite',
  });
}
