import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellPath, shellWord } from '../../src/index.ts';

/** The words of a line, as a shell reads them. */
function wordsIn(shell: string, line: string): string[] {
  const printed = execFileSync(shell, ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
  return printed.split('\0').slice(0, -1);
}

/** A word of plain characters and single quotes, as fish reads it: between these, a backslash escapes a quote and a backslash. */
function wordInFish(word: string): string {
  const part = /'((?:\\[^]|[^'\\])*)'|\\([^])|([\w/:.,@%+=-]+)/y;
  let text = '';
  while (part.lastIndex < word.length) {
    const [piece, quoted, escaped, plain] = part.exec(word) ?? [];
    if (piece === undefined) throw new Error(`not one word in fish: ${word}`);
    text += quoted?.replaceAll(/\\(['\\])/g, '$1') ?? escaped ?? plain ?? '';
  }
  return text;
}

const HOSTILE = [
  '$(touch pwned)',
  '`id`',
  "it's",
  "'",
  '\\',
  'a\\',
  'a\\\\b',
  "\\'; touch pwned; #",
  '!!',
  '~root',
  '{a,b}',
  '*',
  '',
  ' ',
  '"',
  '&& ls',
  '=ls',
  '%self',
];

describe('a word for a shell', () => {
  it('is what it is made of, in sh and in bash', () => {
    for (const shell of ['sh', 'bash']) expect(wordsIn(shell, HOSTILE.map(shellWord).join(' '))).toEqual(HOSTILE);
    const words = fc.array(fc.string({ unit: fc.constantFrom(...Array.from(`'"\\$\`!=%~ a;#-\u200bé`)) }), {
      minLength: 60,
      maxLength: 100,
    });
    fc.assert(
      fc.property(words, (some) => {
        expect(wordsIn('bash', some.map(shellWord).join(' '))).toEqual(some);
      }),
      // A process for many words.
      { numRuns: 6 },
    );
  });

  it('ends no quotation early in fish, which reads backslashes between single quotes', () => {
    expect(HOSTILE.map((text) => wordInFish(shellWord(text)))).toEqual(HOSTILE);
  });

  it('is quoted if zsh or fish would replace it for its first character', () => {
    expect(['=ls', '%self', 'a=b', '50%'].map(shellWord)).toEqual(["'=ls'", "'%self'", 'a=b', '50%']);
  });

  it('shows each character that cannot be seen, or that steers a terminal, and still has it', () => {
    const texts = ['a\nb', 'a\u200b', 'x\u202etxt', '\u001b]0;x\u0007', "it's\t\\", '\u{e0041}'];
    for (const text of texts) {
      const word = shellWord(text);
      expect(word).toMatch(/^\$'[\x20-\x7e]*'$/);
      // A shell that does not know this quotation must not end it early.
      expect(word.slice(2, -1)).not.toMatch(/'/);
    }
    expect(wordsIn('bash', texts.map(shellWord).join(' '))).toEqual(texts);
  });
});

describe('a path for a shell', () => {
  it('is no option of the command', () => {
    expect(['-rf', '--help', 'a b', './x', ''].map(shellPath)).toEqual(['./-rf', './--help', "'a b'", './x', "''"]);
  });
});
