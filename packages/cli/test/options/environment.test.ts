import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isKnownToSteer, variableName, variableValue } from '../../src/options/environment.ts';
import { parseScope, variablesFor } from '../../src/object/exec-scope.ts';
import { ANY_CHARACTER } from '../../../../tools/campaigns/src/any-character.ts';

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

  it.each([
    'path',
    'ld_preload',
    'LD/LIBRARY/PATH',
    'node-options',
    'git/ssh',
    'git/dir',
    'https-proxy',
    'tar/options',
    'npm-config-script-shell',
    'jdk_java_options',
    'dotnet/startup/hooks',
    'pythonbreakpoint',
    'securestore/url',
  ])('that are known to lead to code, settings or a proxy are known: %s', (name) => {
    expect(isKnownToSteer(variableName(name))).toBe(true);
  });

  it.each(['password', 'git/token', 'database-url', 'pathology'])('of others are not: %s', (name) => {
    expect(isKnownToSteer(variableName(name))).toBe(false);
  });

  // T-CLI-05
  it('come from the command line, or nothing is given, whatever the keys', () => {
    const scope = parseScope({ all: true, variables: ['API_KEY,APP_*', 'HOME'], env: ['Db=x'] }, (name) => name);
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, unit: 'grapheme' })), (names) => {
        const objects = names.map((name) => ({ key: `app/${name}`, name }));
        let given: Map<string, string>;
        try {
          given = variablesFor(scope, objects, (variable) => variable === 'HOME');
        } catch (error) {
          if (!SecureStoreError.is(error, 'INVALID_ARGUMENT')) throw error;
          return;
        }
        for (const variable of given.keys()) expect(variable).toMatch(/^(?:Db|API_KEY|APP_.+)$/);
      }),
    );
  });

  it('on Windows are the same in any case', () => {
    const scope = parseScope({ all: true, env: ['password=x'] }, (name) => name.toUpperCase());
    expect([...variablesFor(scope, [{ key: 'password', name: 'password' }], () => true)]).toEqual([['password', 'x']]);
  });

  it('that many objects would have are an error that can be read', () => {
    const scope = parseScope({ all: true }, (name) => name);
    const objects = Array.from({ length: 10_000 }, (_, at) => ({ key: `k${at}`, name: `k${at}` }));
    const refused = expect.objectContaining({ message: expect.stringMatching(/^.{1,2000} and 9950 more$/) });
    expect(() => variablesFor(scope, objects, () => false)).toThrow(refused);
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
      expect(() => variableValue('app/k', bytes)).toThrow(
        /^cannot make "app\/k" an environment variable: its value (?:holds a NUL byte|is not UTF-8)$/,
      );
    }
  });
});
