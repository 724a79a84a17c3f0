import { decodeNumber, encodeBase32, encodeNumber, NUMBER_DIGITS } from './base32.ts';
import { SecureStoreError } from '../errors/errors.ts';

const COMMIT_BYTES = 5;
const COMMIT_DIGITS = 8;

/** A version as callers see it: the number, and the start of the commit id. */
export interface ParsedVersion {
  readonly number: number;
  /** The first digits of the commit id in base32hex. */
  readonly commit: string;
}

export function formatVersion(number: number, commitId: Uint8Array): string {
  return `${encodeNumber(number)}-${encodeBase32(commitId.subarray(0, COMMIT_BYTES))}`;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for what {@link formatVersion} doesn't make */
export function parseVersion(version: unknown): ParsedVersion {
  if (
    typeof version === 'string' &&
    version.length === NUMBER_DIGITS + 1 + COMMIT_DIGITS &&
    version[NUMBER_DIGITS] === '-'
  ) {
    const number = decodeNumber(version.slice(0, NUMBER_DIGITS));
    const commit = version.slice(NUMBER_DIGITS + 1);
    if (number !== undefined && /^[0-9a-v]+$/.test(commit)) return { number, commit };
  }
  throw new SecureStoreError('INVALID_ARGUMENT', 'the version must be one from the history of the object', {
    advice: [{ id: 'read-again' }],
  });
}

/**
 * Orders two versions of one object: negative, zero or positive as `a` is older than, the same as or newer than `b`.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if one is not a version
 */
export function compareVersions(a: string, b: string): number {
  const first = parseVersion(a);
  const second = parseVersion(b);
  if (first.number !== second.number) return first.number < second.number ? -1 : 1;
  if (first.commit === second.commit) return 0;
  return first.commit < second.commit ? -1 : 1;
}
