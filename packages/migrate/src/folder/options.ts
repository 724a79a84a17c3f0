import { parseStoreKey, SecureStoreError } from '@securestore/core-format';
import type { TransferOptions } from './types.ts';

const KNOWN = ['prefix', 'onItem', 'signal', 'timeout'] as const;

/** The longest time that timers hold, in milliseconds. */
const MAX_TIMEOUT = 0x7fff_ffff;

function invalid(message: string, option?: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, { option });
}

/** @param must what it must be, such as `must be a function` */
function invalidOption(option: string, must: string): never {
  return invalid(`the option "${option}" ${must}`, option);
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for an invalid path */
export function checkPath(path: unknown, what: string): void {
  if (typeof path !== 'string' || path === '') invalid(`the path of the ${what} must be a text that is not empty`);
  if (path.includes('\0')) invalid(`the path of the ${what} must not have a NUL character`);
}

/**
 * @param more the options that the call takes in addition to those of every transfer
 * @throws SecureStoreError `INVALID_ARGUMENT` for unknown or invalid options
 */
export function checkTransferOptions(options: unknown, more: readonly string[] = []): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) invalid('options must be an object');
  const known = [...KNOWN, ...more];
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) invalid(`unknown option "${unknown}", known: ${known.toSorted().join(', ')}`, unknown);
  const { onItem, signal, timeout } = options as Readonly<Record<keyof TransferOptions, unknown>>;
  if (onItem !== undefined && typeof onItem !== 'function') invalidOption('onItem', 'must be a function');
  if (signal !== undefined && !(signal instanceof AbortSignal)) invalidOption('signal', 'must be an AbortSignal');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0 && timeout <= MAX_TIMEOUT)) {
    invalidOption('timeout', `must be a number of milliseconds from over 0 to ${MAX_TIMEOUT}`);
  }
}

/**
 * The folder that the option `prefix` names: without the one `/` it may end with, empty for everything if it isn't given.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if it is given and names none: a variable that is not set must not mean
 *   everything; `INVALID_KEY` if no key can begin with it
 */
export function folderOf({ prefix }: TransferOptions): string {
  if (prefix === undefined) return '';
  if (typeof prefix !== 'string') invalidOption('prefix', 'must be a text');
  const folder = prefix.replace(/\/$/, '');
  if (folder === '') invalidOption('prefix', 'must name a folder, got an empty one');
  return parseStoreKey(folder);
}
