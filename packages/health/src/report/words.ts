const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS: readonly (readonly [number, string])[] = [
  [DAY, 'd'],
  [HOUR, 'h'],
  [MINUTE, 'min'],
  [SECOND, 's'],
];

/** A span of time in words, rounded down. */
export function span(milliseconds: number): string {
  for (const [length, unit] of UNITS) {
    if (milliseconds >= 2 * length) return `${Math.floor(milliseconds / length)} ${unit}`;
  }
  if (milliseconds >= 10) return `${Math.round(milliseconds)} ms`;
  // A threshold may be as small as anybody likes, and is not to read as none.
  return `${milliseconds >= 0.1 ? Math.round(milliseconds * 10) / 10 : Number(milliseconds.toPrecision(1))} ms`;
}

/** How old something is in words, to the second. */
export function age(milliseconds: number): string {
  return milliseconds < 2 * SECOND ? `${Math.floor(Math.max(0, milliseconds) / SECOND)} s` : span(milliseconds);
}

/** A share in per cent. */
export function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

/** A size in words. */
export function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  let left = bytes;
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? left : left.toFixed(1)} ${units[unit] ?? ''}`;
}
