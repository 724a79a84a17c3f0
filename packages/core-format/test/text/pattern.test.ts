import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../src/text/pattern.ts';

/** What patterns mean, as a regular expression: plain to read, and far too slow for hostile patterns. */
function meaning(pattern: string): RegExp {
  const segments = pattern.split('/');
  const source = segments.map((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '**') return last ? '.+' : '(?:.+/)?';
    return segment.replaceAll('*', '[^/]*') + (last ? '' : '/');
  });
  return new RegExp(`^${source.join('')}$`, 's');
}

const test = (pattern: string, key: string): boolean => compilePattern(pattern)(key.split('/'));

const segment = fc.stringMatching(/^[ab]{1,4}$/);
const keys = fc.array(segment, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
const patterns = fc
  .array(fc.oneof(fc.constant('**'), fc.stringMatching(/^[ab*]{1,4}$/)), { minLength: 1, maxLength: 6 })
  .filter((parts) => parts.every((part, at) => (part === '**' ? parts[at + 1] !== '**' : !part.includes('**'))))
  .map((parts) => parts.join('/'));

describe('a pattern', () => {
  it('matches whole keys, within segments and over them', () => {
    const yes = [
      ['a', 'a'],
      ['*', 'a'],
      ['a*c', 'abbc'],
      ['a*c', 'ac'],
      ['**', 'a/b/c'],
      ['a/**', 'a/b/c'],
      ['**/c', 'c'],
      ['**/c', 'a/b/c'],
      ['a/**/c', 'a/c'],
      ['a/**/c', 'a/x/c/c'],
      ['a.b', 'a.b'],
    ] as const;
    const no = [
      ['a', 'ab'],
      ['*', 'a/b'],
      ['a/*', 'a'],
      ['a/**', 'a'],
      ['a/**/c', 'ac'],
      ['a*c', 'a/c'],
      ['a.b', 'axb'],
    ] as const;
    for (const [pattern, key] of yes) expect(test(pattern, key), `${pattern} ${key}`).toBe(true);
    for (const [pattern, key] of no) expect(test(pattern, key), `${pattern} ${key}`).toBe(false);
  });

  it('means what the regular expression of the same pattern means', () => {
    fc.assert(
      fc.property(patterns, keys, (pattern, key) => {
        expect(test(pattern, key)).toBe(meaning(pattern).test(key));
      }),
      { numRuns: 3000 },
    );
  });

  it('costs no more for a hostile pattern or key: as regular expressions these would never end', () => {
    expect(test(`${'*a'.repeat(500)}*b`, 'a'.repeat(1024))).toBe(false);
    expect(test(`${'**/a/'.repeat(200)}b`, `${'a/'.repeat(511)}c`)).toBe(false);
    expect(test(`${'**/*a*a*/'.repeat(100)}b`, `${'aaa/'.repeat(255)}c`)).toBe(false);
  });

  it('is refused where it is none', () => {
    for (const pattern of [5, undefined, '', '/a', 'a//b', 'a/', '..', 'a**', '**a/b', '**/**', '***', '\ud800']) {
      expect(() => compilePattern(pattern)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
  });
});
