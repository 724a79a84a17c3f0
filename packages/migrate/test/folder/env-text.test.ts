import { parseEnv } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { envAssignment, readEnv } from '../../src/folder/env-text.ts';

/** What readers of `.env` files stumble over. */
const TRICKY = [
  "'",
  '"',
  '`',
  '\\',
  '\\n',
  '\n',
  ' ',
  '\t',
  '#',
  '=',
  '$',
  '${A}',
  '$(id)',
  'export ',
  '\u00a0',
  'ü',
  '🔐',
];
const value = fc
  .oneof(
    fc.array(fc.oneof(fc.constantFrom(...TRICKY), fc.string({ unit: 'grapheme', maxLength: 3 })), { maxLength: 8 }),
    fc.array(fc.constantFrom(...TRICKY), { maxLength: 12 }),
  )
  .map((parts) => parts.join(''));
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,8}$/).filter((text) => text !== '__proto__');

function written(values: ReadonlyMap<string, string>): Map<string, string> {
  const lines = new Map<string, string>();
  for (const [key, text] of values) {
    try {
      lines.set(key, envAssignment(key, text));
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  }
  return lines;
}

describe('a .env file', () => {
  it('is read by parseEnv, and by an import, as the values that were written into it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 6 }), (pairs) => {
        const values = new Map(pairs);
        const lines = written(values);
        const text = [...lines.values()].map((line) => `${line}\n`).join('');
        const expected = [...lines.keys()].map((key) => [key, values.get(key)]);
        expect(new Map(Object.entries(parseEnv(text)))).toEqual(new Map(expected as [string, string][]));
        expect([...readEnv(text)]).toEqual(expected.map(([key, read]) => ({ name: key, value: read })));
      }),
      { numRuns: 2000 },
    );
  });

  it('can hold every text without carriage returns and NUL that has no apostrophes, or no backticks', () => {
    fc.assert(
      fc.property(name, value, fc.constantFrom("'", '`'), (key, text, mark) => {
        const without = text.replaceAll(mark, '').replaceAll(/[\r\0]/g, '');
        expect(parseEnv(envAssignment(key, without))[key]).toBe(without);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['plain', 'A=plain'],
    ['', 'A='],
    ['two words', "A='two words'"],
    ['$HOME $(id) `id`', "A='$HOME $(id) `id`'"],
    ["it's", `A="it's"`],
    ['a\nb', "A='a\nb'"],
    [' x ', "A=' x '"],
    ["it's \\n", "A=`it's \\n`"],
    ["it's C:\\results", "A=`it's C:\\results`"],
    ["it's `C:\\results`", 'A="it\'s `C:\\results`"'],
  ])('has %j as %s', (text, line) => {
    expect(envAssignment('A', text)).toBe(line);
  });

  it.each(['a\rb', 'a\0b', `'"\``, `a'b"c\`\n`])('can not hold %j, and the error does not repeat it', (text) => {
    expect(() => envAssignment('A', text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    expect(() => envAssignment('A', text)).not.toThrow(text);
  });

  it.each(['', 'a b', '1A', 'a/b', 'ü', 'A=', '__proto__', '-A', 'A\n'])('has no variable of the name %j', (key) => {
    expect(() => envAssignment(key, 'x')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

/** Lines as people write them, none of which parseEnv reads differently with others around it. */
const line = fc.oneof(
  fc.constantFrom('', '# a comment', '#A=1', '  ', 'export E=1', 'A = spaces around ', 'A= #', 'A=x # y', "A='x' # y"),
  fc
    .tuple(name, fc.stringMatching(/^[a-z0-9 #"'$]{0,6}$/))
    .map(([key, text]) => `${key}="${text.replaceAll('"', '')}"`),
  fc.tuple(name, fc.stringMatching(/^[a-z0-9$=:/]{0,6}$/)).map(([key, text]) => `${key}=${text}`),
);

describe('reading a .env file', () => {
  it('finds what parseEnv finds', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'), (lines, end) => {
        const text = lines.map((one) => `${one}${end}`).join('');
        const found = [...readEnv(text)].filter((entry) => 'value' in entry);
        expect(new Map(found.map((entry) => [entry.name, entry.value]))).toEqual(
          new Map(Object.entries(parseEnv(text))),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('loses nothing that parseEnv would', () => {
    const text = `A=  \nB=1\n__proto__=x\nconstructor=y\nLAST=x'open`;
    expect([...readEnv(text)]).toEqual([
      { name: 'A', value: '' },
      { name: 'B', value: '1' },
      { name: '__proto__', value: 'x' },
      { name: 'constructor', value: 'y' },
      { name: 'LAST', value: "x'open" },
    ]);
  });

  it('says which of several assignments counts', () => {
    expect([...readEnv("A=1\nB='\n'\nA=2\n")]).toEqual([
      { name: 'A', skipped: 'line 1 is overridden by line 4' },
      { name: 'B', value: '\n' },
      { name: 'A', value: '2' },
    ]);
  });

  it.each([
    ['A=1\nsecretpart\n', 'line 2 is neither'],
    ['A=-----BEGIN KEY-----\nsecretpart+/\nsecretpart==\n', 'line 2 is neither'],
    [`A='it's secretpart'\n`, 'the value on line 1 has text after its closing quotation mark'],
    [`\n\nB="x" secretpart\n`, 'the value on line 3 has text after its closing quotation mark'],
    [`A=1\nB="secretpart\n`, 'the quotation mark before the value on line 2 is never closed'],
    ['A=`secretpart', 'the quotation mark before the value on line 1 is never closed'],
    [`A="secretpart\nB='x'\n`, 'the quotation mark before the value on line 1 is never closed'],
    [`A="secretpart\nB="x"\n`, 'the value on line 1 has text after its closing quotation mark'],
  ])('refuses %j, and the error repeats nothing of it', (text, message) => {
    expect(() => readEnv(text)).toThrow(message);
    expect(() => readEnv(text)).not.toThrow('secretpart');
  });

  it.each([
    'A=abc#secret',
    'A=#secret',
    'A=abc#secret # a comment',
    `A='abc'#secret`,
    'A=a\u00a0#secret',
    `A=a"b#secret"`,
    'export A=abc#secret',
  ])('stores nothing of %j, of which a reader would take a part', (text) => {
    const [before, entry, after] = readEnv(`B='#'\n${text}\nC=x # y\n`);
    expect([before, after]).toEqual([
      { name: 'B', value: '#' },
      { name: 'C', value: 'x' },
    ]);
    expect(entry).toMatchObject({
      name: 'A',
      error: { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/^the value on line 2 has a #(?!.*secret)/) },
    });
  });

  it.each(['secret part=', '+secret/==', '=x', '1=x', 'export secret part=x'])(
    'does not repeat the name of %j',
    (text) => {
      const [entry] = readEnv(`\n${text}\n`);
      const message = expect.not.stringContaining('secret');
      expect(entry).toMatchObject({ name: 'line 2', error: { code: 'INVALID_ARGUMENT', message } });
    },
  );

  it('takes no longer for what is hostile than for what is large', () => {
    const size = 1_000_000;
    // Of this process alone: the machine may be busy with others.
    const begun = process.cpuUsage();
    for (const text of [
      ' '.repeat(size),
      'export '.repeat(size / 7),
      "A='\n".repeat(size / 4),
      `A=${' '.repeat(size)}`,
      'A=x\n'.repeat(size / 4),
    ]) {
      try {
        expect([...readEnv(text)].length).toBeLessThan(size);
      } catch (error) {
        expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
      }
    }
    expect(process.cpuUsage(begun).user).toBeLessThan(20_000_000);
  });
});
