import { type Advice, SecureStoreError, type ErrorCode, type ErrorDetails } from '@securestore/core-format';

type Meaning = readonly [code: ErrorCode, reason: string, advice?: readonly Advice[]];

const FOLDER_EXPECTED = 'a file is in the place of a folder of the store';
const DENIED = 'permission denied';
const CHECK_ACCESS = [{ id: 'check-backend-access' }] as const;

/** What an error means for reads; {@link WRITE_CODES} overrides it for writes. */
const CODES: Readonly<Record<string, Meaning>> = {
  ENOSPC: ['NO_SPACE', 'the disk is full'],
  EDQUOT: ['NO_SPACE', 'the disk quota is used up'],
  EFBIG: ['NO_SPACE', 'the file would be larger than the file system allows'],
  EACCES: ['UNAVAILABLE', DENIED, CHECK_ACCESS],
  EPERM: ['UNAVAILABLE', DENIED, CHECK_ACCESS],
  ENOTDIR: ['UNAVAILABLE', FOLDER_EXPECTED],
  EEXIST: ['UNAVAILABLE', FOLDER_EXPECTED],
  EISDIR: ['INTEGRITY', 'a folder is in the place of a file of the store'],
  ELOOP: ['INTEGRITY', 'a symbolic link, which is not followed, is in the place of a file of the store'],
  EMFILE: ['UNAVAILABLE', 'too many files are open in this process, by the limit of ulimit -n'],
  ENFILE: ['UNAVAILABLE', 'too many files are open on this machine'],
  EXDEV: ['UNAVAILABLE', 'a folder of the store is on another file system than the rest'],
  ENAMETOOLONG: ['INVALID_ARGUMENT', 'the path is too long for the file system', [{ id: 'choose-store-url' }]],
};

const WRITE_CODES: Readonly<Record<string, Meaning>> = {
  ENOENT: ['UNAVAILABLE', 'a folder or file cannot be created there', [{ id: 'check-store-url' }]],
  EROFS: ['READ_ONLY', 'the file system is mounted read-only'],
  EACCES: ['READ_ONLY', DENIED, CHECK_ACCESS],
  EPERM: ['READ_ONLY', DENIED, CHECK_ACCESS],
};

/** Trying again helps only if the machine is short of something for a moment. */
const RETRYABLE = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR', 'EIO', 'ESTALE', 'ETIMEDOUT']);

/** The system's name of an error, such as `ENOENT`. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The codes of the file system for errors of `node:sqlite` about the lock file. */
const LOCK_ERRNOS: Readonly<Record<number, string>> = { 8: 'EROFS', 13: 'ENOSPC', 14: 'EACCES' };

function lockErrnoOf(error: unknown): string {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return LOCK_ERRNOS[code] ?? '';
}

/** Translates an error of `node:fs` below `root`; to one of ours it adds what is known of the call. */
export function toStoreError(
  error: unknown,
  root: string,
  access: 'read' | 'write',
  details: ErrorDetails,
): SecureStoreError {
  if (SecureStoreError.is(error)) {
    if (error.operation !== undefined && details.outcome === undefined) return error;
    return SecureStoreError.from(error, { ...details, retryable: error.retryable, cause: error.cause });
  }
  const errno = lockErrnoOf(error) || errnoOf(error);
  const known = (access === 'write' ? WRITE_CODES[errno] : undefined) ?? CODES[errno];
  const [code, reason, advice] = known ?? ['UNAVAILABLE', `the file system failed (${errno || 'unknown error'})`];
  const retryable = code === 'UNAVAILABLE' ? RETRYABLE.has(errno) : undefined;
  return new SecureStoreError(code, `${root}: ${reason}`, {
    retryable,
    advice,
    ...details,
    backend: 'fs',
    cause: error,
  });
}

/** The error if the folder of the store is not at its path any more. */
export function vanished(root: string, details: ErrorDetails = {}): SecureStoreError {
  return new SecureStoreError('UNAVAILABLE', `${root} was removed, replaced or unmounted while it was open`, {
    retryable: false,
    advice: [{ id: 'check-store-url', url: `file:${root}` }, { id: 'reopen-store' }],
    ...details,
    backend: 'fs',
  });
}
