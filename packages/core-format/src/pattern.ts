import { SecureStoreError } from './errors.ts';
import { parseStoreKey } from './key-name.ts';

/** Whether a key, given by its segments, matches a pattern. */
export type KeyTest = (segments: readonly string[]) => boolean;

/**
 * Matches `items` against `pattern`, in which `wildcard` stands for any number of items. Only the last wildcard is ever
 * tried again, one item further on, which suffices: so the cost is the product of both lengths, whatever is asked.
 */
function matches<P, I>(
  pattern: ArrayLike<P>,
  wildcard: P,
  items: ArrayLike<I>,
  fits: (part: P, item: I) => boolean,
): boolean {
  let part = 0;
  let item = 0;
  let retryPart = -1;
  let retryItem = 0;
  while (item < items.length) {
    const wanted = pattern[part];
    const given = items[item];
    if (part < pattern.length && wanted === wildcard) {
      retryPart = part++;
      retryItem = item;
    } else if (wanted !== undefined && given !== undefined && fits(wanted, given)) {
      part++;
      item++;
    } else if (retryPart >= 0) {
      part = retryPart + 1;
      item = ++retryItem;
    } else return false;
  }
  while (part < pattern.length && pattern[part] === wildcard) part++;
  return part === pattern.length;
}

const same = (a: string, b: string): boolean => a === b;

/** Whether one segment of a key fits one of a pattern, in which `*` is any text. */
function segmentFits(pattern: string, segment: string): boolean {
  if (pattern === '*' || pattern === segment) return true;
  return pattern.includes('*') && matches(pattern, '*', segment, same);
}

/**
 * Checks a pattern and makes it a test of whole keys: `*` is any text within a segment, `**` as a whole segment any
 * number of segments; as the last one it stands for at least one.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function compilePattern(pattern: unknown): KeyTest {
  const wrong = (reason: string): never => {
    throw new SecureStoreError('INVALID_ARGUMENT', `the pattern ${JSON.stringify(pattern)} ${reason}`);
  };
  if (typeof pattern !== 'string') return wrong('is not a string');
  try {
    parseStoreKey(pattern);
  } catch {
    wrong('has a segment that no key can have');
  }
  const segments = pattern.split('/');
  if (segments.some((segment) => segment !== '**' && segment.includes('**')))
    wrong('has "**" beside other text in a segment');
  if (segments.some((segment, index) => segment === '**' && segments[index + 1] === '**')) wrong('repeats "**"');
  if (segments.at(-1) === '**') segments.push('*');
  return (key) => matches(segments, '**', key, segmentFits);
}
