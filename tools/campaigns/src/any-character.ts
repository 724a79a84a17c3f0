import fc from 'fast-check';

function codePointOf(text: unknown): number {
  const codePoint = typeof text === 'string' ? text.codePointAt(0) : undefined;
  if (codePoint === undefined || String.fromCodePoint(codePoint) !== text) throw new TypeError('not one character');
  return codePoint;
}

/**
 * Any character, halves of pairs of UTF-16 included: the unit `binary` of fast-check, which takes two seconds in each
 * process, since it makes a table of all characters.
 */
export const ANY_CHARACTER: fc.Arbitrary<string> = fc
  .nat({ max: 0x10_ffff })
  .map((codePoint) => String.fromCodePoint(codePoint), codePointOf);
