import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCategories, parseCount, parseFolder, parseMetadata, parseRange } from '../../src/call/parse-values.ts';
import { ownHintsOf } from '../../src/errors/refuse.ts';

function errorOf(run: () => unknown): SecureStoreError {
  try {
    run();
  } catch (error) {
    if (SecureStoreError.is(error, 'INVALID_ARGUMENT')) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseMetadata', () => {
  it('keeps every value as it is, further equals signs included', () => {
    const name = fc.string({ minLength: 1 }).filter((text) => !text.includes('='));
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, fc.string()), { selector: ([key]) => key }), (pairs) => {
        const parsed = parseMetadata(pairs.map(([key, value]) => `${key}=${value}`));
        expect(new Map(Object.entries(parsed))).toEqual(new Map(pairs));
      }),
    );
  });

  it('takes __proto__ for a name like any other', () => {
    expect(Object.keys(parseMetadata(['__proto__=x']))).toEqual(['__proto__']);
  });

  it.each([['s3cr3t'], ['=s3cr3t'], ['']])('refuses %j without repeating it', (pair) => {
    expect(errorOf(() => parseMetadata([pair])).message).not.toContain('s3cr3t');
  });

  it('refuses a name that comes twice', () => {
    expect(errorOf(() => parseMetadata(['a=1', 'a=2'])).message).toContain('"a" twice');
  });
});

describe('parseCategories', () => {
  it('gathers the patterns of a name', () => {
    expect(parseCategories(['p=prod/**', 'q=*', 'p=live/**'])).toEqual({ p: ['prod/**', 'live/**'], q: ['*'] });
  });

  it('refuses names that would decide in another order than they are given in', () => {
    expect(Object.keys(parseCategories(['7=a/**', '2024=**', 'p=prod/**']))).toEqual(['7', '2024', 'p']);
    expect(errorOf(() => parseCategories(['1=a', 'p=prod/**', '2024=**'])).message).toContain('"2024"');
    expect(errorOf(() => parseCategories(['2024=**', '7=a/**'])).message).toContain('"7"');
  });

  it.each(['p', 'p=', '=x'])('refuses %s', (pair) => {
    errorOf(() => parseCategories([pair]));
  });
});

describe('parseRange', () => {
  it.each([
    ['0:10', { start: 0, end: 10 }],
    ['5:', { start: 5 }],
    [':5', { end: 5 }],
    ['3:3', { start: 3, end: 3 }],
  ])('reads %s', (text, range) => {
    expect(parseRange(text)).toEqual(range);
  });

  it.each(['', ':', '5', '-1:2', '2:1', '1:2:3', 'a:b', '1.5:2', '0x1:2', '1: 2', '9999999999999999:'])(
    'refuses %s',
    (text) => {
      errorOf(() => parseRange(text));
    },
  );
});

describe('parseCount and parseFolder', () => {
  it('reads whole numbers only', () => {
    expect(parseCount('--n', '12')).toBe(12);
    for (const text of ['', '-1', '1.5', '1e3', 'x', '9'.repeat(40)]) errorOf(() => parseCount('--n', text));
  });

  it('takes a folder with or without its slash', () => {
    expect([undefined, 'a', 'a/', 'a/b/'].map((prefix) => parseFolder(prefix))).toEqual(['', 'a', 'a', 'a/b']);
    for (const prefix of ['', '/']) {
      const error = errorOf(() => parseFolder(prefix));
      expect(error.message).toBe(`--prefix must name a folder, got "${prefix}"`);
      expect(ownHintsOf(error)).toEqual([{ text: 'for the whole store, leave the option out' }]);
    }
  });
});
