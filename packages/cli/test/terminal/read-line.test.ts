import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type } from '../../src/terminal/read-line.ts';

describe('a line that is typed', () => {
  it.each([
    ['', 'secret\r', 'secret', 'entered', ''],
    ['sec', 'ret\n', 'secret', 'entered', ''],
    ['', 'a\rb\r', 'a', 'entered', 'b\r'],
    ['', 'ab\u007fc\bd\r', 'ad', 'entered', ''],
    ['', '🔐ü\u007f\u007fx\r', 'x', 'entered', ''],
    ['old', '\u0015new\r', 'new', 'entered', ''],
    ['abc', '\u0003', '', 'cancelled', ''],
    ['', '\u0004', '', 'cancelled', ''],
    ['abc', '\u0004', 'abc', 'entered', ''],
    ['', 'a\u001b[Db\u001b[3~c\u001bOPd\r', 'abcd', 'entered', ''],
    ['', '\u001b[200~pasted text\u001b[201~\r', 'pasted text', 'entered', ''],
    ['', '\u007f\u007fa\u0001\tb', 'ab', undefined, ''],
  ])('%j and then %j', (before, typed, text, ending, rest) => {
    expect(type(before, typed)).toEqual({ text, rest, ...(ending === undefined ? {} : { ending }) });
  });

  it('is the same in whatever pieces it comes', () => {
    const text = fc.string({ unit: 'grapheme' }).map((typed) => typed.replaceAll(/\p{Cc}/gu, ''));
    fc.assert(
      fc.property(text, text, (first, second) => {
        expect(type(type('', first).text, `${second}\r`)).toEqual(type('', `${first}${second}\r`));
      }),
    );
  });
});
