import fc from 'fast-check';

/** The halves of pairs in UTF-16, which are no characters. */
const HALVES = { first: 0xd800, count: 0x800 };
const COUNT = 0x11_0000 - HALVES.count;

function characterAt(index: number): string {
  return String.fromCodePoint(index < HALVES.first ? index : index + HALVES.count);
}

function indexOf(text: unknown): number {
  const codePoint = typeof text === 'string' ? text.codePointAt(0) : undefined;
  const index = codePoint === undefined || codePoint < HALVES.first ? codePoint : codePoint - HALVES.count;
  if (index === undefined || characterAt(index) !== text) throw new TypeError('not one character');
  return index;
}

/** Any character: the unit `binary` of fast-check, which makes a table of all characters, for two seconds in each process. */
export const ANY_CHARACTER: fc.Arbitrary<string> = fc.nat({ max: COUNT - 1 }).map(characterAt, indexOf);
