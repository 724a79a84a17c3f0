import { SecureStoreError } from '@securestore/core-format';

/** The longest time that timers hold, in milliseconds. */
const MAX_TIMEOUT = 0x7fff_ffff;

/** More known options than these are not listed. */
const MAX_LISTED = 8;

function invalid(message: string, option?: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, { option });
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for what is no object, or has other members than are known */
export function checkNames(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    invalid('the options must be an object');
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const which = known.length > MAX_LISTED ? '' : `, known are ${known.toSorted().join(', ')}`;
  invalid(`unknown option ${JSON.stringify(unknown)}${which}`, unknown);
}

/** @throws SecureStoreError `INVALID_ARGUMENT`; thresholds are not looked at here */
export function checkHealthOptions(options: unknown): void {
  checkNames(options, ['timeout', 'signal', 'thresholds', 'keys']);
  const { timeout, signal, keys } = options as Readonly<Record<string, unknown>>;
  if (keys !== undefined && typeof keys !== 'boolean') invalid('the option "keys" must be true or false', 'keys');
  if (signal !== undefined && !(signal instanceof AbortSignal))
    invalid('the option "signal" must be an AbortSignal', 'signal');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0 && timeout <= MAX_TIMEOUT)) {
    invalid(`the option "timeout" must be over 0 and at most ${MAX_TIMEOUT} milliseconds`, 'timeout');
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for what is given and no number over 0, or beyond its bounds */
export function checkAmount(
  name: string,
  value: unknown,
  unit: string,
  { from, to = Number.MAX_VALUE }: { readonly from?: number; readonly to?: number } = {},
): void {
  if (value === undefined) return;
  if (typeof value === 'number' && value > 0 && value >= (from ?? 0) && value <= to) return;
  const least = from === undefined ? 'over 0' : `at least ${from}`;
  const most = to === Number.MAX_VALUE ? '' : ` and at most ${to}`;
  invalid(`the option "${name}" must be ${least}${most} ${unit}`, name);
}
