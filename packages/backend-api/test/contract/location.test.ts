import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isScheme, parseStoreUrl, redactStoreUrl } from '../../src/index.ts';

const EXAMPLES = ['sqlite:./vault.db', 'file:./vault'];

describe('parseStoreUrl', () => {
  it.each([
    ['memory:', 'memory', ''],
    ['sqlite:./~/vault.db', 'sqlite', './~/vault.db'],
    ['file:./vault', 'file', './vault'],
    ['file:///srv/vault', 'file', '///srv/vault'],
    ['sqlite:C:\\vault.db', 'sqlite', 'C:\\vault.db'],
    ['mongodb+srv://host/db?collection=a:b', 'mongodb+srv', '//host/db?collection=a:b'],
    ['x-9+y:a#b?c', 'x-9+y', 'a#b?c'],
  ])('splits %s at the first colon', (url, scheme, rest) => {
    expect(parseStoreUrl(url)).toEqual({ scheme, rest });
  });

  it.each(['', ':', 'vault', './a:b', 'File:x', '9p:x', '-a:x', 'a_b:x', 'a b:x', ' file:x', 'file:a\0b', 'file:a\nb'])(
    'refuses %j',
    (url) => {
      expect(() => parseStoreUrl(url)).toThrowError(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    },
  );

  it('refuses what is no string or too long', () => {
    for (const url of [undefined, null, 1, {}, `file:${'a'.repeat(5000)}`, `${'a'.repeat(40)}:x`]) {
      // Callers without types do this.
      expect(() => parseStoreUrl(url as string)).toThrowError(SecureStoreError);
    }
  });

  it.each([
    ['./vault.db', 'must begin with a scheme, got "./vault.db"', ['sqlite:./vault.db', 'file:./vault.db']],
    ['vault.db', 'must begin with a scheme, got "vault.db"', ['sqlite:vault.db', 'file:vault.db']],
    [
      '/srv/größe 2/vault',
      'must begin with a scheme, got "/srv/größe 2/vault"',
      ['sqlite:/srv/größe 2/vault', 'file:/srv/größe 2/vault'],
    ],
    ['', 'must not be empty', EXAMPLES],
    ['vault', 'must begin with a scheme', EXAMPLES],
    ['C:\\vault.db', 'must begin with a scheme', EXAMPLES],
    [' file:x', 'must not begin with white space', []],
    ['sqlite:~/vault.db', 'must have a path without ~, which only a shell replaces by the home folder', []],
    ['SQLITE:./x', 'must have its scheme in lower case', []],
  ])('says of %j what is missing, and advises forms that would do', (url, message, forms) => {
    const advice = forms.map((form) => ({ id: 'give-store-url', form }));
    expect(() => parseStoreUrl(url, '--store')).toThrowError(
      expect.objectContaining({ message: `--store ${message}`, ...(advice.length > 0 && { advice }) }),
    );
  });

  it('never repeats in a message or in advice what may hold a credential', () => {
    for (const url of [
      'User:hunter2@host',
      '//u:hunter2@h/db',
      '/hunter2?key=x',
      'hunter2',
      '+hunter2/x=',
      'POSTGRES://u:hunter2@h/db',
      'postgres://u:hunter2@h\n',
    ]) {
      let refused: unknown;
      try {
        parseStoreUrl(url);
      } catch (error) {
        refused = error;
      }
      expect(refused).toBeInstanceOf(SecureStoreError);
      expect(`${String(refused)} ${JSON.stringify(refused)}`).not.toContain('hunter2');
    }
  });

  it('gives back every store URL whole', () => {
    const scheme = fc.stringMatching(/^[a-z][a-z0-9+-]{0,20}$/);
    const rest = fc.string({ unit: 'grapheme-ascii' });
    fc.assert(
      fc.property(scheme, rest, (name, tail) => {
        expect(isScheme(name)).toBe(true);
        expect(parseStoreUrl(`${name}:${tail}`)).toEqual({ scheme: name, rest: tail });
      }),
    );
  });
});

describe('redactStoreUrl', () => {
  it.each([
    ['file:./vault', 'file:./vault'],
    ['file:///srv/vault', 'file:///srv/vault'],
    ['s3://bucket/prefix?region=eu&endpoint=http://x', 's3://bucket/prefix?region=eu&endpoint=http://x'],
    ['postgres://user:pw@host/db', 'postgres://***@host/db'],
    ['postgres://user:p@w/#?d@host/db', 'postgres://***@host/db'],
    ['redis://:pw@host/0?prefix=a', 'redis://***@host/0?prefix=a'],
    ['s3://b?accessKeyId=AK&secretAccessKey=SK&region=x', 's3://b?accessKeyId=***&secretAccessKey=***&region=x'],
    ['azblob://c?sv=1&sig=abc#token=t', 'azblob://c?sv=1&sig=***#token=***'],
    ['azblob://c?sas=abc', 'azblob://c?sas=***'],
    ['mysql:user:p/@w@host', 'mysql:***@host'],
    ['postgres:host=h password=a user=b', 'postgres:host=h password=*** user=b'],
    ['postgres:password=a', 'postgres:password=***'],
    ['file:./a:b@c key=1', 'file:./a:b@c key=1'],
    ['hunter2', '***'],
  ])('%s becomes %s', (url, redacted) => {
    expect(redactStoreUrl(url)).toBe(redacted);
  });

  it('never shows the password of a URL', () => {
    const secret = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }).map((tail) => `hunter2${tail}`);
    fc.assert(
      fc.property(secret, (password) => {
        expect(redactStoreUrl(`postgres://user:${password}@host/db?sslmode=require`)).not.toContain('hunter2');
        expect(redactStoreUrl(`s3://b?password=${encodeURIComponent(password)}&x=1`)).not.toContain('hunter2');
      }),
    );
  });
});
