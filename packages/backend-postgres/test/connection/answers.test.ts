import pg from 'pg';
import { expect, test } from 'vitest';
import { ANSWERS, parseBytea } from '../../src/connection/answers.ts';

const { BYTEA, INT8 } = pg.types.builtins;

test('bytes are read from hex, and from nothing else', () => {
  expect(parseBytea('\\x')).toEqual(Buffer.alloc(0));
  expect(parseBytea('\\x00ff10')).toEqual(Buffer.from([0, 255, 16]));
  for (const noise of ['', '\\', '\\y00', 'a\\b', '\\x0', '\\x0g', '\\x00 ', '\\x00\n', 'x00', '\\X00']) {
    expect(() => parseBytea(noise), JSON.stringify(noise)).toThrow('invalid bytes');
  }
});

test('what is no bytes is read as pg reads it', () => {
  const parse = ANSWERS.getTypeParser(BYTEA, 'text') as (text: string) => unknown;
  expect(() => parse('a\\b')).toThrow('invalid bytes');
  expect((ANSWERS.getTypeParser(INT8, 'text') as (text: string) => unknown)('12')).toBe('12');
});
