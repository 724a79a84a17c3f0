import { parseStoreKey } from '@securestore/core-format';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromSegment, toSegment } from '../src/index.ts';
import { ANY_CHARACTER } from '../../../tools/campaigns/src/any-character.ts';

/** Texts of what segments treat in some special way, beside arbitrary ones. */
const texts = fc.oneof(
  fc.string({ unit: ANY_CHARACTER, maxLength: 30 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map((units) => String.fromCharCode(...units)),
  fc
    .array(
      fc.constantFrom('%', '/', '.', '..', '0041', 'e', '\u0301', '\u00e9', '\ud83d', '\ude00', '\0', '%0025', ':'),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join('')),
);

describe('toSegment', () => {
  it.each([
    ['user:1', 'user:1'],
    ['größe', 'größe'],
    ['', '%'],
    ['%', '%0025'],
    ['a/b', 'a%002Fb'],
    ['..', '%002E%002E'],
    ['...', '...'],
    ['e\u0301', 'e%0301'],
    ['\ud83d', '%D83D'],
    ['\u{1f600}', '\u{1f600}'],
  ])('makes of %j %j', (text, segment) => {
    expect(toSegment(text)).toBe(segment);
  });

  it('makes a segment of every text, from which the text comes back', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const segment = toSegment(text);
        expect(segment).not.toContain('/');
        expect(parseStoreKey(segment.slice(0, 1000))).not.toBe('');
        expect(fromSegment(segment)).toBe(text);
      }),
      { numRuns: 2000 },
    );
  });

  it('makes segments that are a key together', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 4 }), (path) => {
        const key = path.map(toSegment).join('/');
        fc.pre(Buffer.byteLength(key) <= 1024);
        expect(parseStoreKey(key).split('/').map(fromSegment)).toEqual(path);
      }),
      { numRuns: 2000 },
    );
  });
});
