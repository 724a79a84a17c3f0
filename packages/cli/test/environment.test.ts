import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { variableName, variablesFor, variableValue } from '../src/environment.ts';
import { ANY_CHARACTER } from '../../../tools/campaigns/src/any-character.ts';

function object(name: string): { key: string; name: string } {
  return { key: `app/${name}`, name };
}

describe('names of variables', () => {
  it.each([
    ['password', 'PASSWORD'],
    ['db/pass-word.v2', 'DB_PASS_WORD_V2'],
    ['2fa', '_2FA'],
    ['größe', 'GR__E'],
    ['🔐', '_'],
    ['a/b', 'A_B'],
  ])('%s is %s', (name, variable) => {
    expect(variableName(name)).toBe(variable);
  });

  it('are what POSIX calls a name, whatever the key', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (name) => {
        expect(variableName(name)).toMatch(/^[A-Z_][A-Z0-9_]*$/);
      }),
    );
  });

  it('of two objects are an error that names both', () => {
    expect(() => variablesFor([object('a/b'), object('a-b')])).toThrow(/"app\/a\/b" and "app\/a-b"/);
  });

  it.each([
    'path',
    'ld_preload',
    'LD/LIBRARY/PATH',
    'node-options',
    'bash_env',
    'dyld_insert_libraries',
    'ifs',
    'home',
    'ps4',
    'editor',
    'git/ssh',
    'git/config/count',
    'git/exec/path',
    'npm-config-script-shell',
    '_java_options',
    'jdk_java_options',
    'dotnet/startup/hooks',
    'openssl-conf',
    'pythonbreakpoint',
    'gconv_path',
  ])('by which code is found are refused: %s', (name) => {
    expect(() => variablesFor([object(name)])).toThrow(SecureStoreError);
  });
});

describe('an error of names that are refused', () => {
  it('names every one of them and says what to do', () => {
    const objects = ['path', 'password', 'editor'].map(object);
    expect(() => variablesFor(objects)).toThrow(
      /^"app\/path" would be \$PATH, "app\/editor" would be \$EDITOR: .*--prefix.*other names$/,
    );
  });
});

describe('values of variables', () => {
  it('are the text as it is, a byte order mark and line ends included', () => {
    fc.assert(
      fc.property(fc.string({ unit: ANY_CHARACTER }), (text) => {
        const wanted = text.toWellFormed().replaceAll('\0', '');
        expect(variableValue('k', Buffer.from(wanted))).toBe(wanted);
      }),
    );
    expect(variableValue('k', Buffer.from('\ufeffx\n'))).toBe('\ufeffx\n');
  });

  it('cannot hold NUL or what is no UTF-8, and the error does not repeat them', () => {
    for (const bytes of [Buffer.from('can\0ary'), Buffer.from([0x63, 0xff])]) {
      expect(() => variableValue('app/k', bytes)).toThrow(/^"app\/k" (?:holds a NUL byte|is not UTF-8), so/);
    }
  });
});
