import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectNoSecret } from '../../../backend-redis/test/support/secrets.ts';
import { PostgresBackend } from '../../src/index.ts';
import { parseTarget } from '../../src/connection/location.ts';

describe('a store URL', () => {
  test.each([
    ['postgres://', { host: undefined, port: undefined, database: undefined, table: 'securestore', tls: undefined }],
    ['postgresql://db.example:5433/app', { host: 'db.example', port: 5433, database: 'app' }],
    ['postgres://[::1]/app', { host: '::1' }],
    ['postgres:///app?host=/var/run/postgresql', { host: '/var/run/postgresql', database: 'app' }],
    ['postgres://ann:b%40r%2F%3A@h/my%20app', { user: 'ann', password: 'b@r/:', database: 'my app' }],
    ['postgres://h/app?schema=vaults&table=prod', { schema: 'vaults', table: 'prod' }],
    ['postgres://h/app?sslmode=disable', { tls: false }],
    ['postgres://h/app?sslmode=verify-full&sslrootcert=/ca.pem', { tls: true, rootCertificates: '/ca.pem' }],
    ['postgres://h/app?sslrootcert=/ca.pem', { tls: true }],
  ])('%s', (url, expected) => {
    expect(parseTarget(url)).toMatchObject(expected);
  });

  test.each([
    'postgres:',
    'postgres:app',
    'mysql://h/app',
    'postgres://h:x/app',
    'postgres://h/app#x',
    'postgres://h/app?table=',
    'postgres://h/app?table=a"b',
    'postgres://h/app?table=A',
    'postgres://h/app?table=1a',
    `postgres://h/app?table=${'a'.repeat(49)}`,
    'postgres://h/app?schema=a.b',
    'postgres://h/app?tabel=a',
    'postgres://h/app?table=a&table=b',
    'postgres://h/app?sslmode=prefer',
    'postgres://h/app?sslmode=no-verify',
    'postgres://a:%zz@h/app',
  ])('%s is refused', (url) => {
    expect(() => parseTarget(url)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test.each([
    [
      'postgres://h/d?table=A',
      'table',
      'the parameter "table" of the store URL must have 1 to 48 of a-z 0-9 _, and not begin with a digit',
    ],
    [
      'postgres://h/d?sslmode=prefer',
      'sslmode',
      'the parameter "sslmode" of the store URL must be disable, require, verify-ca or verify-full',
    ],
    [
      'postgres://h/d?user=x',
      undefined,
      'unknown parameter in the store URL, which may have host, schema, sslmode, sslrootcert and table',
    ],
  ])('%s: the parameter is named in the error, and a form is advised', (url, option, message) => {
    expect(() => parseTarget(url)).toThrow(
      expect.objectContaining({
        message: `postgres: ${message}`,
        ...(option !== undefined && { option }),
        advice: [{ id: 'give-store-url', form: 'postgres://user@host:5432/database?table=name' }],
      }),
    );
  });

  test('a password of any characters is taken as it is, percent-encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (secret) => {
        expect(parseTarget(`postgres://u:${encodeURIComponent(secret)}@h/app`).password).toBe(secret);
      }),
    );
  });

  test('is never shown where it is refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'@:/?#[]%=& ax1'.split('')), maxLength: 20 }), (noise) => {
        try {
          parseTarget(`postgres://user:canary-7731${noise}@h:x/app?password=canary-7731`);
          expect.unreachable();
        } catch (error) {
          expectNoSecret(error, ['canary-7731']);
        }
      }),
    );
  });
});

test.each([
  [{ timeout: 0 }, /timeout/],
  [{ poolSize: 0 }, /poolSize/],
  [{ passwort: 'canary-7731' }, /passwort/],
  [{ password: 7731 }, /password/],
])('the options %j are refused', async (options, message) => {
  const refused = new PostgresBackend().init({ url: 'postgres://localhost/app', options });
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  await expect(refused).rejects.not.toThrow(/7731/);
});

test('a client that is no pool is refused', async () => {
  const init = new PostgresBackend().init({ url: 'postgres://h/app', options: {}, client: { query: () => 1 } });
  await expect(init).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
