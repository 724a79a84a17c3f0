import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_KEY_BYTES, parseStoreKey, SecureStoreError } from '../../src/index.ts';
import { ANY_CHARACTER } from '../../../../tools/campaigns/src/any-character.ts';

const CONTROLS = [...Array(0x20).keys(), ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index)];

const REFUSED: Readonly<Record<string, readonly unknown[]>> = {
  '[N-01] no string': [undefined, null, 5, true, {}, [], ['a'], Symbol('a'), 10n, Buffer.from('a'), new String('a')],
  '[N-01] empty': [''],
  '[N-01] longer than 1024 bytes': ['x'.repeat(1025), 'ü'.repeat(513), '\u{1f600}'.repeat(257), 'x'.repeat(10_000_000)],
  '[N-02] an empty segment': ['/', '/a', 'a/', 'a//b', '//'],
  '[N-03] a dot segment': ['.', '..', './a', 'a/.', 'a/../b', '../a', 'a/..'],
  '[N-04] a control character': CONTROLS.map((code) => `a${String.fromCharCode(code)}b`),
  '[N-05] not in normalisation form C': [
    'e\u0301',
    'a/\u212b',
    '\u1112\u1161\u11ab',
    '\u0374',
    '\u0958',
    'q\u0307\u0323',
  ],
  '[N-06] a lone surrogate': ['\ud800', 'a\udc00', '\ud800a', 'a/\udfff/b', '\udc00\ud800'],
};

const ACCEPTED = [
  'a', 'a/b', '...', '.a', 'a.', 'a/.b', '-', '_', '~', ' ', ' a ', 'A/a', 'store', 'o/x', 'é', 'Å', '각', '\u{1f600}',
  '__proto__', 'con', 'a\\b', '%2e%2e', 'a:b', '*', '\ufeff', '\u2028', 'x'.repeat(1024), 'ü'.repeat(512), 'a/'.repeat(511) + 'aa',
]; // prettier-ignore

describe('key names', () => {
  for (const [reason, keys] of Object.entries(REFUSED)) {
    it(`are refused: ${reason}`, () => {
      for (const key of keys) {
        expect(() => parseStoreKey(key)).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }));
      }
    });
  }

  it('[N-07] are accepted as they are, and never normalised', () => {
    for (const key of ACCEPTED) expect(parseStoreKey(key)).toBe(key);
  });

  it('are accepted: 10,000 random valid ones', () => {
    const segment = fc
      .string({ unit: ANY_CHARACTER, minLength: 1, maxLength: 12 })
      .map((text) => text.normalize('NFC').replaceAll(/[/\p{Cc}\p{Cs}]/gu, 'x'))
      .filter((text) => text !== '.' && text !== '..' && text.normalize('NFC') === text);
    const keys = fc
      .array(segment, { minLength: 1, maxLength: 6 })
      .map((segments) => segments.join('/'))
      .filter((key) => key.normalize('NFC') === key);
    fc.assert(
      fc.property(keys, (key) => {
        expect(parseStoreKey(key)).toBe(key);
      }),
      { numRuns: 10_000 },
    );
  });

  it('are accepted or refused with INVALID_KEY, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)) }), (text) => {
        let key: string;
        try {
          key = parseStoreKey(text);
        } catch (error) {
          expect(SecureStoreError.is(error, 'INVALID_KEY')).toBe(true);
          return;
        }
        expect(Buffer.from(key, 'utf8').toString('utf8')).toBe(text);
        expect(Buffer.byteLength(key)).toBeLessThanOrEqual(MAX_KEY_BYTES);
      }),
      { numRuns: 2000 },
    );
  });

  it('show in the error unless they are too long or no text', () => {
    expect(() => parseStoreKey('a//b')).toThrow(expect.objectContaining({ key: 'a//b' }));
    for (const key of ['x'.repeat(2000), '\ud800']) {
      try {
        parseStoreKey(key);
      } catch (error) {
        expect(error).not.toHaveProperty('key');
      }
    }
    expect.assertions(3);
  });
});
