import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, encodeNumber, formatVersion, parseVersion } from '../../src/index.ts';
import { bytesOf } from '../support/arbitraries.ts';
import { ANY_CHARACTER } from '../../../../tools/campaigns/src/any-character.ts';

const numbers = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const versions = fc.tuple(numbers, bytesOf(16)).map(([number, commitId]) => formatVersion(number, commitId));

describe('a version string', () => {
  it('[V-01] is the number and 40 bits of the commit id', () => {
    expect(formatVersion(1, Buffer.from('foobarfoobarfoob'))).toBe('00000000001-cpnmuoj1');
    fc.assert(
      fc.property(numbers, bytesOf(16), (number, commitId) => {
        expect(parseVersion(formatVersion(number, commitId)).number).toBe(number);
      }),
    );
  });

  it('[V-01] has one form: whatever parses is written the same way', () => {
    const close = versions.chain((version) =>
      fc
        .tuple(fc.nat({ max: version.length - 1 }), fc.string({ unit: ANY_CHARACTER, minLength: 1, maxLength: 1 }))
        .map(([at, character]) => version.slice(0, at) + character + version.slice(at + 1)),
    );
    fc.assert(
      fc.property(fc.oneof(close, fc.string()), (text) => {
        let parsed: { number: number; commit: string };
        try {
          parsed = parseVersion(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
          return;
        }
        expect(`${encodeNumber(parsed.number)}-${parsed.commit}`).toBe(text);
      }),
    );
  });

  it('refuses what is none', () => {
    const good = formatVersion(5, Buffer.alloc(16));
    const bad = [
      undefined,
      null,
      5,
      {},
      '',
      `${good} `,
      `${good}0`,
      good.slice(1),
      good.toUpperCase().replace('0', 'V'),
    ];
    for (const version of [...bad, `vvvvvvvvvvv${good.slice(11)}`, good.replace('-', '_'), `${good.slice(0, -1)}w`]) {
      expect(() => parseVersion(version)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
  });

  it('orders by number, then by commit', () => {
    fc.assert(
      fc.property(versions, versions, (a, b) => {
        expect(Math.sign(compareVersions(a, b))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
    );
  });
});
