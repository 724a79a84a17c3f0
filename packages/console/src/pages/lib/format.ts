const LANGUAGE = 'en-GB';
const COUNT = new Intl.NumberFormat(LANGUAGE);
const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

export function count(value: number): string {
  return COUNT.format(value);
}

/** `3 keys`, `1 key`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A number of bytes, rounded as the command line does: 1.2 MiB. */
export function bytes(value: number): string {
  let size = value;
  let unit = -1;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return unit < 0 ? counted(value, 'byte') : `${size < 10 ? size.toFixed(1) : count(Math.round(size))} ${UNITS[unit]}`;
}

const STEPS: readonly (readonly [milliseconds: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** A span of time, to what matters in it: `0.8 s`, `4 min 10 s`, `2 d 3 h`. */
export function duration(milliseconds: number): string {
  const span = Math.max(0, milliseconds);
  if (span < 1000) return span < 100 ? `${Math.round(span)} ms` : `${(span / 1000).toFixed(1)} s`;
  if (span < 60_000) return `${(span / 1000).toFixed(span < 10_000 ? 1 : 0)} s`;
  const at = STEPS.findIndex(([length]) => span >= length);
  const [length, name] = STEPS[at] ?? [60_000, 'min'];
  const [smaller, smallerName] = STEPS[at + 1] ?? [1000, 's'];
  const whole = Math.floor(span / length);
  const rest = Math.floor((span - whole * length) / smaller);
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${smallerName}`;
}

const JUST_NOW = 3000;

/** How long ago a time is: `12 s ago`, `3 h ago`. */
export function ago(time: Date | string | number, now: number): string {
  const span = now - new Date(time).getTime();
  // Two clocks, and the time that an answer takes.
  if (Math.abs(span) < JUST_NOW) return 'just now';
  if (span < 0) return `in ${duration(-span)}`;
  const [length, name] = STEPS.find(([step]) => span >= step) ?? [1000, 's'];
  return `${Math.floor(span / length)} ${name} ago`;
}

const two = (value: number): string => String(value).padStart(2, '0');

/** `2026-11-27 14:03:22`, by the clock of whoever looks. */
export function localTime(time: Date): string {
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${date} ${localClock(time)}`;
}

/** `14:03:22`, by the clock of whoever looks. */
export function localClock(time: Date): string {
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** `2026-11-27 13:03:22`, in UTC. */
export function utcTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ');
}

/** How far the clock of whoever looks is from UTC then: `UTC+01:00`. */
export function zoneOf(time: Date): string {
  const minutes = -time.getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? '−' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** A text of the server, with its times by the clock of whoever looks. */
export function withLocalTimes(text: string): string {
  return text.replaceAll(/\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g, (found) => {
    const time = new Date(found);
    return Number.isNaN(time.getTime()) ? found : `${localTime(time)} ${zoneOf(time)}`;
  });
}

/** The first and the last part of a name: the end tells one from another as often as the beginning. */
export function split(name: string, tail = 16): readonly [head: string, tail: string] {
  if (name.length <= tail * 2) return [name, ''];
  // A character of two units must not be cut in two.
  const at = name.length - tail;
  const unit = name.charCodeAt(at);
  const cut = unit >= 0xdc_00 && unit <= 0xdf_ff ? at - 1 : at;
  return [name.slice(0, cut), name.slice(cut)];
}

const WRITTEN = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(:\d{2}(?:\.\d{1,3})?)?\s*(Z|UTC|[+-]\d{2}:\d{2})?$/i;

/** A time that somebody has written: by their own clock, or with `Z`, `UTC` or a distance from it. `undefined` for what is none. */
export function parseTime(text: string): Date | undefined {
  const [, date, minutes, seconds = ':00', zone = ''] = WRITTEN.exec(text.trim()) ?? [];
  if (date === undefined || minutes === undefined) return undefined;
  const time = new Date(`${date}T${minutes}${seconds}${/^utc$/i.test(zone) ? 'Z' : zone.toUpperCase()}`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
