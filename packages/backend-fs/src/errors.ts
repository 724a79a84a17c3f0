import { SecureStoreError, type ErrorCode, type ErrorDetails } from '@securestore/core-format';

const FOLDER_EXPECTED = 'a file lies where the store needs a folder; move it away';
const DENIED = 'permission denied; check the owner and the mode of the store folder';

/** What an error means for reads; {@link WRITE_CODES} overrides it for writes. */
const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['NO_SPACE', 'the disk is full; free some space and try again'],
  EDQUOT: ['NO_SPACE', 'the disk quota is used up; free some space and try again'],
  EFBIG: ['NO_SPACE', 'the file would be larger than this system allows'],
  EACCES: ['UNAVAILABLE', DENIED],
  EPERM: ['UNAVAILABLE', DENIED],
  ENOTDIR: ['UNAVAILABLE', FOLDER_EXPECTED],
  EEXIST: ['UNAVAILABLE', FOLDER_EXPECTED],
  EISDIR: ['INTEGRITY', 'a folder lies where the store keeps a file; move it away'],
  ELOOP: ['INTEGRITY', 'a symbolic link lies where the store keeps a file; it is not followed, move it away'],
  EMFILE: ['UNAVAILABLE', 'too many files are open in this process; close some or raise the limit (ulimit -n)'],
  ENFILE: ['UNAVAILABLE', 'too many files are open on this machine; close some or raise the limit'],
  EXDEV: ['UNAVAILABLE', 'a folder of the store is on another file system than the rest; keep the store on one'],
  ENAMETOOLONG: ['INVALID_ARGUMENT', 'the path is too long for this file system; use a shorter location'],
};

const WRITE_CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EROFS: ['READ_ONLY', 'the file system is mounted read-only'],
  EACCES: ['READ_ONLY', DENIED],
  EPERM: ['READ_ONLY', DENIED],
};

/** Trying again helps only where the machine is short of something for a moment. */
const RETRYABLE = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR', 'EIO', 'ESTALE', 'ETIMEDOUT']);

/** The system's name of an error, such as `ENOENT`. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** What the lock file's errors of `node:sqlite` would be called by the file system. */
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
    return new SecureStoreError(error.code, error.message, {
      ...details,
      retryable: error.retryable,
      cause: error.cause,
    });
  }
  const errno = lockErrnoOf(error) || errnoOf(error);
  const known = (access === 'write' ? WRITE_CODES[errno] : undefined) ?? CODES[errno];
  const [code, advice] = known ?? ['UNAVAILABLE', `the file system failed (${errno || 'unknown'}); check the disk`];
  const retryable = code === 'UNAVAILABLE' ? RETRYABLE.has(errno) : undefined;
  return new SecureStoreError(code, `${root}: ${advice}`, { retryable, ...details, backend: 'fs', cause: error });
}

/** The store folder is not at its path any more. */
export function vanished(root: string, details: ErrorDetails = {}): SecureStoreError {
  return new SecureStoreError(
    'UNAVAILABLE',
    `${root} was removed or replaced while it was open (is its disk mounted?); put it back, then open the store again`,
    { retryable: false, ...details, backend: 'fs' },
  );
}
