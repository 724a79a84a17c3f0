import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';

const DENIED = 'permission denied; check the owner and the mode of the file and its folder';

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['NO_SPACE', 'the disk is full; free some space'],
  EDQUOT: ['NO_SPACE', 'the disk quota is used up; free some space'],
  EFBIG: ['NO_SPACE', 'the file would be larger than this system allows; rotate it'],
  EROFS: ['READ_ONLY', 'the file system is mounted read-only'],
  EACCES: ['READ_ONLY', DENIED],
  EPERM: ['READ_ONLY', DENIED],
  ELOOP: ['INTEGRITY', 'it is a symbolic link, which is not followed; move it away'],
  EISDIR: ['INTEGRITY', 'it is a folder; move it away'],
  ENXIO: ['INTEGRITY', 'it is no regular file; move it away'],
  ENOENT: ['UNAVAILABLE', 'its folder is missing; make it'],
};

/** The system's name of an error, such as `ENOENT`. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** An error of `node:fs` about the log at `path` as one of ours. */
export function fileError(path: string, error: unknown): SecureStoreError {
  if (SecureStoreError.is(error)) return error;
  const errno = errnoOf(error);
  const [code, advice] = CODES[errno] ?? [
    'UNAVAILABLE',
    `the file system failed (${errno || 'unknown'}); check the disk`,
  ];
  return new SecureStoreError(code, `${path}: ${advice}`);
}

export function unfit(path: string, why: string): SecureStoreError {
  return new SecureStoreError('INTEGRITY', `${path}: ${why}`);
}
