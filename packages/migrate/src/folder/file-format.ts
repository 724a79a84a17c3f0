import { basename } from 'node:path';
import { SecureStoreError } from '@securestore/core-format';
import type { TransferOptions } from './types.ts';

/** A format of files that hold many objects: assignments to environment variables, or a JSON object. */
export type FileFormat = 'env' | 'json';

export interface FileTransferOptions extends TransferOptions {
  /** By default what the name of the file says, as {@link fileFormatOf} reads it. */
  readonly format?: FileFormat | undefined;
}

/** The largest file of many objects that is read or written, in bytes: it is held in memory. */
export const MAX_FILE_BYTES: number = 16 * 1024 * 1024;

const FORMATS: readonly FileFormat[] = ['env', 'json'];

/** The format that the name of a file says: `json` of `*.json`, `env` of `.env`, `*.env` and `.env.*`; undefined of any other. */
export function fileFormatOf(path: string): FileFormat | undefined {
  const name = basename(path).toLowerCase();
  if (name.endsWith('.json')) return 'json';
  return name.endsWith('.env') || name.startsWith('.env.') ? 'env' : undefined;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` where it is neither given nor said by the name */
export function formatOf(path: string, { format = fileFormatOf(path) }: FileTransferOptions): FileFormat {
  if (format === undefined) {
    const message = `the name of "${path}" does not say its format; give it as the option "format", "env" or "json"`;
    throw new SecureStoreError('INVALID_ARGUMENT', message);
  }
  if (FORMATS.includes(format)) return format;
  throw new SecureStoreError('INVALID_ARGUMENT', 'the option "format" must be "env" or "json"');
}

/** What a file says of one object. */
export type FileEntry =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly skipped: string }
  | { readonly name: string; readonly error: SecureStoreError };

/** What a file says, and how many values it gives. */
export interface FileEntries extends Iterable<FileEntry> {
  readonly count: number;
}

/** A file that is not as its format says. Its text is not repeated: it may be a secret. @param what such as `line 7 is no assignment` */
export function malformed(what: string): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', `${what}. Nothing was stored`);
}

/** @param what what has more bytes than a file may have */
export function tooLarge(what: string, advice: string): SecureStoreError {
  const message = `${what} has more than 16 MiB, the most for a file of many objects; ${advice}`;
  return new SecureStoreError('TOO_LARGE', message);
}
