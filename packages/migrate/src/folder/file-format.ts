import { basename } from 'node:path';
import type { Advice } from '@securestore/core-format';
import { SecureStoreError } from '@securestore/core-format';
import type { TransferOptions } from './types.ts';

/** A format of files that hold many objects: assignments to environment variables, or a JSON object. */
export type FileFormat = 'env' | 'json';

export interface FileTransferOptions extends TransferOptions {
  /** By default the format that the name of the file shows, as {@link fileFormatOf} reads it. */
  readonly format?: FileFormat | undefined;
}

/** The largest file of many objects that is read or written, in bytes: it is held in memory. */
export const MAX_FILE_BYTES: number = 16 * 1024 * 1024;

const FORMATS: readonly FileFormat[] = ['env', 'json'];

/** The format that the name of a file shows: `json` of `*.json`, `env` of `.env`, `*.env` and `.env.*`; undefined of any other. */
export function fileFormatOf(path: string): FileFormat | undefined {
  const name = basename(path).toLowerCase();
  if (name.endsWith('.json')) return 'json';
  return name.endsWith('.env') || name.startsWith('.env.') ? 'env' : undefined;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` if it is neither given nor shown by the name */
export function formatOf(path: string, { format = fileFormatOf(path) }: FileTransferOptions): FileFormat {
  if (format === undefined) {
    const message = `the option "format" must be "env" or "json" for a file whose name does not show it: "${path}"`;
    throw new SecureStoreError('INVALID_ARGUMENT', message, { option: 'format' });
  }
  if (FORMATS.includes(format)) return format;
  throw new SecureStoreError('INVALID_ARGUMENT', 'the option "format" must be "env" or "json"', { option: 'format' });
}

/** One object of a file. */
export type FileEntry =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly skipped: string }
  | { readonly name: string; readonly error: SecureStoreError };

/** The objects of a file, and how many values it has. */
export interface FileEntries extends Iterable<FileEntry> {
  readonly count: number;
}

/** A file that is malformed. Its text is not repeated: it may be a secret. @param what such as `line 7 is no assignment` */
export function malformed(what: string, ...advice: readonly Advice[]): SecureStoreError {
  return new SecureStoreError('INVALID_ARGUMENT', `${what}. Nothing was stored.`, { advice });
}

/** @param what has more bytes than a file of many objects may have */
export function tooLarge(what: string, ...advice: readonly Advice[]): SecureStoreError {
  const message = `${what} has more than 16 MiB, the limit for a file of many objects`;
  return new SecureStoreError('TOO_LARGE', message, { advice });
}
