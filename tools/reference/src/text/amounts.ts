const KIBIBYTE = 1024;
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const TIMES: readonly (readonly [string, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
];

/** A number as people read it. */
export const number = (value: number): string => value.toLocaleString('en');

/** A number of bytes, if it is large in the largest unit of which it is a whole number. */
export function bytes(value: number): string {
  if (value < 4 * KIBIBYTE) return `${number(value)} bytes`;
  let [amount, unit] = [value, 0];
  while (amount >= KIBIBYTE && amount % KIBIBYTE === 0 && unit < UNITS.length - 1) {
    amount /= KIBIBYTE;
    unit += 1;
  }
  return unit === 0 ? `${number(value)} bytes` : `${number(amount)} ${UNITS[unit]}`;
}

/** A number of milliseconds in the largest unit of which it is a whole number. */
export function time(milliseconds: number): string {
  for (const [name, length] of TIMES) {
    if (milliseconds < length || milliseconds % length !== 0) continue;
    const count = milliseconds / length;
    return `${number(count)} ${name}${count === 1 ? '' : 's'}`;
  }
  return `${number(milliseconds)} ms`;
}
