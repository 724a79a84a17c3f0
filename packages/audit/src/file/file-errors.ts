import { SecureStoreError } from '@securestore/core-format';
import type { ErrorCode } from '@securestore/core-format';

const DENIED = 'permission denied for the file or its folder';

const CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['NO_SPACE', 'the disk is full'],
  EDQUOT: ['NO_SPACE', 'the disk quota is used up'],
  EFBIG: ['NO_SPACE', 'the file is as large as this system allows'],
  EROFS: ['READ_ONLY', 'the file system is mounted read-only'],
  EACCES: ['READ_ONLY', DENIED],
  EPERM: ['READ_ONLY', DENIED],
  ELOOP: ['INTEGRITY', 'the path is a symbolic link, which is not followed'],
  EISDIR: ['INTEGRITY', 'the path is a folder'],
  ENXIO: ['INTEGRITY', 'the path is not a regular file'],
  ENOENT: ['UNAVAILABLE', 'the folder of the file does not exist'],
};

/** The system's name of an error, such as `ENOENT`. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** An error of `node:fs` about the log at `path` as one of ours. */
export function fileError(path: string, error: unknown): SecureStoreError {
  if (SecureStoreError.is(error)) return error;
  const errno = errnoOf(error);
  const [code, what] = CODES[errno] ?? ['UNAVAILABLE', `the file system failed (${errno || 'unknown'})`];
  return new SecureStoreError(code, `${path}: ${what}`);
}

export function unfit(path: string, why: string): SecureStoreError {
  return new SecureStoreError('INTEGRITY', `${path}: ${why}`);
}
