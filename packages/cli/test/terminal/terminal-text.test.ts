import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cutTo,
  formatAge,
  formatBytes,
  formatDuration,
  formatFields,
  formatTable,
  jsonLine,
  printable,
  wrapLines,
  wrapTo,
} from '../../src/terminal/terminal-text.ts';
import { ANY_CHARACTER } from '../../../../tools/campaigns/src/any-character.ts';

describe('an age', () => {
  it.each([
    [-5, '0 s'],
    [119.9, '119 s'],
    [120, '2 min'],
    [7199, '119 min'],
    [7200, '2 h'],
    [172_799, '47 h'],
    [172_800, '2 d'],
    [40_000_000, '462 d'],
  ])('of %s s is %s', (seconds, text) => expect(formatAge(seconds)).toBe(text));
});

describe('a text that is cut', () => {
  it.each([
    ['short', 5, 'short'],
    ['longer', 5, 'long…'],
    ['🔐🔐🔐', 2, '🔐…'],
    ['x', 0, '…'],
  ])('%s to %d', (text, columns, cut) => expect(cutTo(columns, text)).toBe(cut));
});

describe('a text that is wrapped', () => {
  it.each([
    [10, 'one two three', ['one two', 'three']],
    [3, 'abcdef gh', ['abcdef', 'gh']],
    [20, '', ['']],
  ])('to %d columns: %s', (columns, text, lines) => expect(wrapTo(columns, text)).toEqual(lines));

  it('has its words broken if that is asked for', () => {
    expect(wrapTo(3, 'abcdef gh', true)).toEqual(['abc', 'def', 'gh']);
  });

  it('keeps a command at its end in one line, and is left alone if it is for no terminal', () => {
    const hint = 'hint: to see how far it is, and what it waits for: securestore job list --store file:./vault';
    expect(wrapLines(40, hint).split('\n')).toEqual([
      'hint: to see how far it is, and what',
      '  it waits for:',
      '  securestore job list --store file:./vault',
    ]);
    expect(wrapLines(undefined, hint)).toBe(hint);
    expect(wrapLines(80, 'a\nb')).toBe('a\nb');
  });
});

describe('printable', () => {
  it('leaves nothing that steers a terminal, breaks a line, reorders text or is invisible', () => {
    fc.assert(
      fc.property(fc.string({ unit: ANY_CHARACTER }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cs}\p{Cf}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }),
    );
  });

  it.each([
    '\u00ad',
    '\u061c',
    '\u115f',
    '\u200b',
    '\u200d',
    '\u200e',
    '\u200f',
    '\u2028',
    '\u202a',
    '\u202e',
    '\u2060',
    '\u2066',
    '\u2069',
    '\u3164',
    '\ufe0f',
    '\ufeff',
    '\u{e0041}',
  ])('escapes %j', (character) => {
    const hex = character.codePointAt(0)?.toString(16);
    expect(printable(`a${character}b`)).toBe(`a\\u{${hex}}b`);
  });

  it('leaves readable text alone', () => {
    expect(printable('Grüße, 世界 🔐')).toBe('Grüße, 世界 🔐');
    expect(printable('a\u001b[31m\nb')).toBe('a\\u{1b}[31m\\u{0a}b');
  });
});

describe('jsonLine', () => {
  it('reads as the same value, and has nothing that is not to be seen', () => {
    fc.assert(
      fc.property(fc.string({ unit: ANY_CHARACTER }), (text) => {
        const line = jsonLine({ text });
        expect(JSON.parse(line)).toEqual({ text });
        expect(line).toBe(printable(line));
      }),
    );
    expect(jsonLine({ a: '\u202e\u{e0041}\u009b' })).toBe('{"a":"\\u202e\\udb40\\udc41\\u009b"}');
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1024 * 1024 * 10, '10 MiB'],
    [1.5 * 1024 ** 3, '1.5 GiB'],
    [1024 ** 6, '1024 PiB'],
  ])('%d', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('formatDuration', () => {
  it.each([
    [-1, '0 s'],
    [59.6, '1 min 0 s'],
    [3599, '59 min 59 s'],
    [3600, '1 h 0 min'],
  ])('%d seconds', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe('tables', () => {
  it('aligns columns and leaves the last one as it is', () => {
    const columns = [{ title: 'SIZE', align: 'right' }, { title: 'WHEN' }, { title: 'KEY' }] as const;
    expect(
      formatTable(columns, [
        ['5', 'today', 'a'],
        ['12345', '', 'b/世界'],
      ]),
    ).toEqual([' SIZE  WHEN   KEY', '    5  today  a', '12345         b/世界']);
  });

  it('pads names of fields and leaves out what is unknown', () => {
    expect(formatFields({ key: 'a', expires: undefined, version: '1' })).toEqual(['key      a', 'version  1']);
  });
});
