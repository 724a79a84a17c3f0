import { refuse } from '../errors/refuse.ts';

function splitPair(option: string, form: string, text: string): [string, string] {
  const equals = text.indexOf('=');
  // The text is not repeated: it may be a value alone, which no message may hold.
  if (equals <= 0) refuse(`${option} takes ${form}`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/**
 * Metadata from `name=value` arguments; values are strings, and may hold further `=`.
 *
 * @param option what takes them, for the error
 * @throws `INVALID_ARGUMENT` if one is no pair, or a name comes twice
 */
export function parseMetadata(pairs: readonly string[], option = '--meta'): Record<string, string> {
  const metadata = new Map<string, string>();
  for (const pair of pairs) {
    const [name, value] = splitPair(option, 'NAME=VALUE, such as owner=ops', pair);
    if (metadata.has(name)) refuse(`${option} gives "${name}" twice`);
    metadata.set(name, value);
  }
  return Object.fromEntries(metadata);
}

/**
 * Categories from `name=pattern` arguments; a name may come several times, each time with a further pattern.
 *
 * @throws `INVALID_ARGUMENT` where one is no pair, or has an empty pattern.
 */
export function parseCategories(pairs: readonly string[]): Record<string, readonly string[]> {
  const categories = new Map<string, string[]>();
  for (const pair of pairs) {
    const [name, pattern] = splitPair('--define-category', "NAME=PATTERN, such as 'prod=prod/**'", pair);
    if (pattern === '') refuse(`--define-category "${name}" must not have an empty pattern`);
    categories.set(name, [...(categories.get(name) ?? []), pattern]);
  }
  const found = Object.fromEntries(categories);
  const inOrder = Object.keys(found);
  for (const [index, name] of [...categories.keys()].entries()) {
    const first = inOrder[index];
    if (first !== name)
      refuse(`the category "${first}" must be given before "${name}": names that are numbers decide first`);
  }
  return found;
}

/** A count such as a number of versions or days. @throws `INVALID_ARGUMENT` unless it is a whole number from 0. */
export function parseCount(option: string, text: string): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  return number ?? refuse(`${option} must be a whole number from 0 to 999999999, got "${text}"`);
}

const RATE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** Bytes a second, such as `500KB/s` or `10MiB/s`; `/s` may be left out. @throws `INVALID_ARGUMENT` for anything else, and for 0 */
export function parseRate(option: string, text: string): number {
  const [, amount, unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?)([kmg]?i?b)(?:\/s)?$/i.exec(text) ?? [];
  const rate = Number(amount) * (RATE_UNITS[unit.toLowerCase()] ?? Number.NaN);
  return rate >= 1 ? rate : refuse(`${option} must be a rate such as 10MB/s or 500KiB/s, got "${text}"`);
}

/** Bytes from `start` to before `end`; each absent where it isn't given. */
export interface ByteRange {
  readonly start?: number;
  readonly end?: number;
}

/**
 * A range of bytes `start:end`, the end exclusive; either side may be left out.
 *
 * @throws `INVALID_ARGUMENT` where it is something else, ends before it starts, or leaves out both sides.
 */
export function parseRange(text: string): ByteRange {
  const [, start, end] = /^(\d{1,15})?:(\d{1,15})?$/.exec(text) ?? [];
  if (start === undefined && end === undefined) {
    refuse(`--range must be START:END in bytes, END exclusive, such as 0:1024 or 1024:, got "${text}"`);
  }
  if (start !== undefined && end !== undefined && Number(end) < Number(start)) {
    refuse(`--range must not end before it starts, got "${text}"`);
  }
  return {
    ...(start === undefined ? {} : { start: Number(start) }),
    ...(end === undefined ? {} : { end: Number(end) }),
  };
}

/**
 * The folder that `--prefix` names: without the one `/` it may end with, empty for everything where it isn't given.
 *
 * @param forAll how the whole store is asked for
 * @throws `INVALID_ARGUMENT` where it is given and names none: a variable that is not set must not open up everything.
 */
export function parseFolder(prefix: string | undefined, forAll = 'leave the option out'): string {
  if (prefix === undefined) return '';
  const folder = prefix.replace(/\/$/, '');
  if (folder === '') {
    refuse(`--prefix must name a folder, got "${prefix}"`, { text: `for the whole store, ${forAll}` });
  }
  return folder;
}
