import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase32, encodeBase32, encodeNumber } from '../../src/index.ts';

describe('base32hex', () => {
  it('agrees with the test vectors of RFC 4648, section 10, in lower case and unpadded', () => {
    const vectors = ['', 'co', 'cpng', 'cpnmu', 'cpnmuog', 'cpnmuoj1', 'cpnmuoj1e8'];
    for (const [length, text] of vectors.entries()) {
      const bytes = Buffer.from('foobar'.slice(0, length));
      expect(encodeBase32(bytes)).toBe(text);
      expect(decodeBase32(text)).toEqual(bytes);
    }
  });

  it('[G-10] decodes exactly what it encodes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        expect(decodeBase32(encodeBase32(bytes))).toEqual(Buffer.from(bytes));
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-v]{0,30}$/), (text) => {
        const bytes = decodeBase32(text);
        if (bytes !== undefined) expect(encodeBase32(bytes)).toBe(text);
      }),
    );
  });

  it('[G-10] refuses other characters, lengths and unused bits that are not zero', () => {
    for (const text of ['C0', 'co=', 'w0', 'c', 'cpn', 'cp', 'c1', 'co ', ' co', 'c\u00e9', '\u{1f600}', 'c\n']) {
      expect(decodeBase32(text), JSON.stringify(text)).toBeUndefined();
    }
  });

  it('keeps the order of the bytes', () => {
    const bytes = fc.uint8Array({ minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const order = Buffer.compare(a, b);
        const [first, second] = [encodeBase32(a), encodeBase32(b)];
        expect(first < second ? -1 : first > second ? 1 : 0).toBe(order);
      }),
    );
  });
});

describe('numbers in names', () => {
  it('are in the order of the numbers', () => {
    const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(encodeNumber(a) < encodeNumber(b)).toBe(a < b);
        expect(encodeNumber(a)).toHaveLength(11);
      }),
    );
  });
});
