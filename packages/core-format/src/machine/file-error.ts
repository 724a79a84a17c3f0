import { type ErrorCode, SecureStoreError } from '../errors/errors.ts';

const FILE_SYSTEM_CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'INVALID_ARGUMENT',
  ENOTDIR: 'INVALID_ARGUMENT',
  EISDIR: 'INVALID_ARGUMENT',
  ELOOP: 'INVALID_ARGUMENT',
  ENAMETOOLONG: 'INVALID_ARGUMENT',
  EACCES: 'ACCESS_DENIED',
  EPERM: 'ACCESS_DENIED',
  EEXIST: 'ALREADY_EXISTS',
  ENOTEMPTY: 'ALREADY_EXISTS',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  EROFS: 'READ_ONLY',
  EMFILE: 'UNAVAILABLE',
  ENFILE: 'UNAVAILABLE',
};

/** The code of an error of `node:fs` or `node:child_process`, such as `ENOENT`. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The message of an error without what the system adds: "EACCES: permission denied, open '/x'" repeats the path. */
export function systemReasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  return /^E[A-Z0-9]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message;
}

function isWorkingFolderGone(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd';
}

/**
 * An error of a file that a person named as one of ours; an error that is not of the file system is returned as it is.
 *
 * @param what the attempt that failed, such as `cannot read the file "a"`
 */
export function fileError(error: unknown, what: string): unknown {
  const systemCode = systemCodeOf(error);
  if (systemCode === undefined) return error;
  if (isWorkingFolderGone(error)) {
    return new SecureStoreError('INVALID_ARGUMENT', 'the working directory has been removed', { cause: error });
  }
  const code = FILE_SYSTEM_CODES[systemCode] ?? 'INTERNAL';
  return new SecureStoreError(code, `${what}: ${systemReasonOf(error)}`, { cause: error });
}
