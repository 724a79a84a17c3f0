import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { TransferOptions } from './types.ts';

const KNOWN = ['prefix', 'onItem', 'signal', 'timeout'] as const;

/** The longest time that timers hold, in milliseconds. */
const MAX_TIMEOUT = 0x7fff_ffff;

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for what is no path */
export function checkPath(path: unknown, what: string): void {
  if (typeof path !== 'string' || path === '') invalid(`the path of the ${what} must be a text that is not empty`);
  if (path.includes('\0')) invalid(`the path of the ${what} has a NUL character`);
}

/**
 * @param more the options that the call takes beside those of every transfer
 * @throws SecureStoreError `INVALID_ARGUMENT` for options that there are not, or that make no sense
 */
export function checkTransferOptions(options: unknown, more: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) invalid('options must be an object');
  const known = [...KNOWN, ...more];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) invalid(`unknown option "${unknown}". Known here: ${known.toSorted().join(', ')}`);
  const { onItem, signal, timeout } = options as Readonly<Record<keyof TransferOptions, unknown>>;
  if (onItem !== undefined && typeof onItem !== 'function') invalid('the option "onItem" must be a function');
  if (signal !== undefined && !(signal instanceof AbortSignal)) invalid('the option "signal" must be an AbortSignal');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0 && timeout <= MAX_TIMEOUT)) {
    invalid('the option "timeout" must be a number of milliseconds over 0');
  }
}

/**
 * The folder that the option `prefix` names: without the one `/` it may end with, empty for everything where it isn't given.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` where it is given and names none: a variable that is not set must not open up
 *   everything; `INVALID_KEY` where no key begins with it
 */
export function folderOf({ prefix }: TransferOptions): string {
  if (prefix === undefined) return '';
  if (typeof prefix !== 'string') invalid('the option "prefix" must be a text');
  const folder = prefix.replace(/\/$/, '');
  if (folder === '') invalid('the option "prefix" names no folder; for the whole store, leave it out');
  return parseStoreKey(folder);
}
