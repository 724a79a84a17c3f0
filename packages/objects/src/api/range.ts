import type { RangeOptions } from './types.ts';
import { shownValue } from '../util/shown-value.ts';
import { invalid } from '../util/invalid.ts';

function checkPosition(name: 'start' | 'end', value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  return invalid(`the option "${name}" must be a whole number of bytes from 0, got ${shownValue(value)}`, name);
}

/** What is wrong with a range whatever the length of the data. @throws SecureStoreError `INVALID_ARGUMENT` */
export function checkRange({ start, end }: RangeOptions): void {
  const first = start === undefined ? 0 : checkPosition('start', start);
  if (end !== undefined && checkPosition('end', end) < first) {
    invalid(`the option "end" must not be before "start", which is ${first}`, 'end');
  }
}

/** The bytes that are meant, the end exclusive. @throws SecureStoreError `INVALID_ARGUMENT` */
export function parseRange(options: RangeOptions | undefined, length: number): { start: number; end: number } {
  checkRange(options ?? {});
  const { start = 0, end = length } = options ?? {};
  if (start > length) {
    invalid(
      `the range starts at byte ${start}, but there ${length === 1 ? 'is only 1 byte' : `are only ${length} bytes`}`,
      'start',
    );
  }
  return { start, end: Math.min(end, length) };
}
