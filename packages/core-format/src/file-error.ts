import { type ErrorCode, SecureStoreError } from './errors.ts';

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

/** What an error says, without what an error of the system adds: "EACCES: permission denied, open '/x'" names the path once more than needed. */
export function systemReasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  return /^E[A-Z0-9]+: ([^,]+)/.exec(error.message)?.[1] ?? error.message;
}

function isWorkingFolderGone(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd';
}

/**
 * An error of a file that a person named as one of ours; what is no error of the file system is returned as it is.
 *
 * @param what what was tried, such as `cannot read the file "a"`
 */
export function fileError(error: unknown, what: string): unknown {
  const systemCode = systemCodeOf(error);
  if (systemCode === undefined) return error;
  if (isWorkingFolderGone(error)) {
    const message = 'the working directory has been removed; change to another one and try again';
    return new SecureStoreError('INVALID_ARGUMENT', message, { cause: error });
  }
  const code = FILE_SYSTEM_CODES[systemCode] ?? 'INTERNAL';
  return new SecureStoreError(code, `${what}: ${systemReasonOf(error)}`, { cause: error });
}
