import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTarget } from '../../src/connection/location.ts';
import { RedisBackend } from '../../src/index.ts';
import { expectNoSecret } from '../support/secrets.ts';

describe('a store URL', () => {
  test.each([
    ['redis://localhost', { host: 'localhost', port: 6379, db: 0, tls: false, prefix: 'securestore' }],
    ['redis://localhost/', { db: 0 }],
    ['rediss://cache.example:7000/3?prefix=app:prod', { port: 7000, db: 3, tls: true, prefix: 'app:prod' }],
    ['redis://[::1]:1/0', { host: '::1', port: 1 }],
    ['redis://ann:b%40r%2F%3A@h/0', { username: 'ann', password: 'b@r/:' }],
    ['redis://:pw@h/0', { username: undefined, password: 'pw' }],
  ])('%s', (url, expected) => {
    expect(parseTarget(url)).toMatchObject(expected);
  });

  test.each([
    'redis:',
    'redis:localhost',
    'redis:///0',
    'redis://h/zero',
    'redis://h/0/1',
    'redis://h/0?prefix=',
    'redis://h/0?prefix=a{b}',
    'redis://h/0?prefx=a',
    'redis://h:0x1/0',
    'redis://h/0#x',
    'redis://:%zz@h/0',
    'valkey://h/0',
  ])('%s is refused', (url) => {
    expect(() => parseTarget(url)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test.each([
    [
      'redis://h/0?prefix=a{b}',
      'prefix',
      'the parameter "prefix" of the store URL must have 1 to 128 of a-z A-Z 0-9 _ . : / -',
    ],
    ['redis://h/0?prefx=a', undefined, 'unknown parameter in the store URL, which may have prefix'],
  ])('%s: the parameter is named in the error, and a form is advised', (url, option, message) => {
    expect(() => parseTarget(url)).toThrow(
      expect.objectContaining({
        message: `redis: ${message}`,
        ...(option !== undefined && { option }),
        advice: [{ id: 'give-store-url', form: 'redis://host:6379/0?prefix=name' }],
      }),
    );
  });

  test('a password of any characters is taken as it is, percent-encoded', () => {
    const password = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(password, (secret) => {
        expect(parseTarget(`redis://:${encodeURIComponent(secret)}@h/0`).password).toBe(secret);
      }),
    );
  });

  test('is never shown where it is refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'@:/?#[]%=& ax1'.split('')), maxLength: 20 }), (noise) => {
        try {
          parseTarget(`redis://user:canary-7731${noise}@h:x/0?password=canary-7731`);
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
  [{ passwort: 'canary-7731' }, /passwort/],
  [{ password: 7731 }, /password/],
])('the options %j are refused', async (options, message) => {
  const refused = new RedisBackend().init({ url: 'redis://localhost', options });
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  await expect(refused).rejects.not.toThrow(/7731/);
});

test('a client that is none is refused', async () => {
  const init = new RedisBackend().init({ url: 'redis://localhost', options: {}, client: { get: () => 1 } });
  await expect(init).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
