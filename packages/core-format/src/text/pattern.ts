import { SecureStoreError } from '../errors/errors.ts';
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

/**
 * Whether two sequences can stand for the same one; in both `wildcard` stands for any number of items. The cost is the product of both
 * lengths.
 */
function meet<P>(a: ArrayLike<P>, b: ArrayLike<P>, wildcard: P, fits: (one: P, other: P) => boolean): boolean {
  // Whether the rest of `a`, of which `below` has one item less, meets each rest of `b`.
  let below: boolean[] = [];
  for (let at = a.length; at >= 0; at--) {
    const row: boolean[] = [];
    for (let other = b.length; other >= 0; other--) {
      const [one, two] = [a[at], b[other]];
      const [skipsOne, skipsTwo] = [below[other] === true, row[other + 1] === true];
      if (one === undefined && two === undefined) row[other] = true;
      else if (one === wildcard || two === wildcard) row[other] = skipsOne || skipsTwo;
      else row[other] = one !== undefined && two !== undefined && below[other + 1] === true && fits(one, two);
    }
    below = row;
  }
  return below[0] === true;
}

const same = (a: string, b: string): boolean => a === b;

/** Whether one segment of a key fits one of a pattern, in which `*` is any text. */
function segmentFits(pattern: string, segment: string): boolean {
  if (pattern === '*' || pattern === segment) return true;
  return pattern.includes('*') && matches(pattern, '*', segment, same);
}

function segmentsMeet(one: string, other: string): boolean {
  return one === other || meet(one, other, '*', same);
}

/** The segments of a pattern: as the last one, `**` stands for one or more. */
function segmentsOf(pattern: string): string[] {
  const segments = pattern.split('/');
  return segments.at(-1) === '**' ? [...segments, '*'] : segments;
}

/** Whether some key matches both patterns, which have been checked by {@link compilePattern}. */
export function patternsMeet(one: string, other: string): boolean {
  return meet(segmentsOf(one), segmentsOf(other), '**', segmentsMeet);
}

/**
 * Checks a pattern and makes it a test of whole keys: `*` is any text within a segment, `**` as a whole segment any
 * number of segments; as the last segment, it stands for at least one.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function compilePattern(pattern: unknown): KeyTest {
  const wrong = (reason: string): never => {
    throw new SecureStoreError('INVALID_ARGUMENT', `the pattern ${JSON.stringify(pattern)} ${reason}`);
  };
  if (typeof pattern !== 'string') return wrong('must be a string');
  try {
    parseStoreKey(pattern);
  } catch {
    wrong('must have only segments that a key can have');
  }
  const segments = pattern.split('/');
  if (segments.some((segment) => segment !== '**' && segment.includes('**')))
    wrong('must not have "**" next to other text in a segment');
  if (segments.some((segment, index) => segment === '**' && segments[index + 1] === '**'))
    wrong('must not repeat "**"');
  const parts = segmentsOf(pattern);
  return (key) => matches(parts, '**', key, segmentFits);
}
