import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectNoSecret } from '../../../backend-redis/test/support/secrets.ts';
import { MongodbBackend } from '../../src/index.ts';
import { parseTarget } from '../../src/connection/location.ts';

describe('a store URL', () => {
  test.each([
    ['mongodb://h', { uri: 'mongodb://h/?', database: 'securestore', collection: 'securestore' }],
    ['mongodb://h/', { database: 'securestore' }],
    [
      'mongodb://h:1/app?collection=vault.prod',
      { uri: 'mongodb://h:1/app?', database: 'app', collection: 'vault.prod' },
    ],
    ['mongodb://a:1,b,[::1]:3/app', { uri: 'mongodb://a:1,b,[::1]:3/app?' }],
    ['mongodb://%2Ftmp%2Fmongodb-27017.sock/app', { uri: 'mongodb://%2Ftmp%2Fmongodb-27017.sock/app?' }],
    ['mongodb+srv://c.example.net/app?retryWrites=true&w=majority', { uri: 'mongodb+srv://c.example.net/app?' }],
    ['mongodb://h/app?replicaSet=rs0&tls=true&collection=v', { uri: 'mongodb://h/app?replicaSet=rs0&tls=true' }],
    ['mongodb://ann:b%40r%2F%3A@h/app', { uri: 'mongodb://h/app?', username: 'ann', password: 'b@r/:' }],
    ['mongodb://ann@h/app', { username: 'ann', password: undefined }],
    ['mongodb://h/app', { username: undefined, password: undefined }],
  ])('%s', (url, expected) => {
    expect(parseTarget(url)).toMatchObject(expected);
  });

  test.each([
    'mongodb:',
    'mongodb:h/app',
    'mongodb:///app',
    'mongodb://h:0x1/app',
    'mongodb://h:70000/app',
    'mongodb://a,,b/app',
    'mongodb+srv://a,b/app',
    'mongodb+srv://a:27017/app',
    'mongodb://h/a/b',
    'mongodb://h/a.b',
    'mongodb://h/app?collection=',
    'mongodb://h/app?collection=$x',
    'mongodb://h/app?collection=system.users',
    'mongodb://h/app?colection=x',
    'mongodb://h/app?collection=a&collection=b',
    'mongodb://h/app?w=1',
    'mongodb://h/app?readPreference=secondary',
    'mongodb://h/app?tlsInsecure=true',
    'mongodb://h/app?tlsAllowInvalidCertificates=true',
    'mongodb://h/app#x',
    'mongodb://ann:%zz@h/app',
    'mongodb://ann:p@ss@h/app',
    'mongo://h/app',
  ])('%s is refused', (url) => {
    expect(() => parseTarget(url)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test.each([
    ['mongodb://h/d?w=1', 'w', 'the parameter "w" of the store URL has a value that no store can use'],
    ['mongodb://h/d?tls=', 'tls', 'the parameter "tls" of the store URL must not be empty'],
    ['mongodb://h/d?password=x', undefined, 'unknown parameter in the store URL'],
  ])('%s: the parameter is named in the error, and a form is advised', (url, option, message) => {
    expect(() => parseTarget(url)).toThrow(
      expect.objectContaining({
        message: `mongodb: ${message}`,
        ...(option !== undefined && { option }),
        advice: [{ id: 'give-store-url', form: 'mongodb://host:27017/database?collection=name' }],
      }),
    );
  });

  test('a password of any characters is taken as it is, percent-encoded', () => {
    const password = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(password, (secret) => {
        const { uri, ...target } = parseTarget(`mongodb://ann:${encodeURIComponent(secret)}@h/app`);
        expect([uri, target.password]).toEqual(['mongodb://h/app?', secret]);
      }),
    );
  });

  test('is never shown where it is refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'@:/?#[]%=& ax1'.split('')), maxLength: 20 }), (noise) => {
        try {
          parseTarget(`mongodb://user:canary-7731${noise}@h:x/app?password=canary-7731`);
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
  [{ selectionTimeout: 'long' }, /selectionTimeout/],
  [{ passwort: 'canary-7731' }, /passwort/],
  [{ password: 7731 }, /password/],
])('the options %j are refused', async (options, message) => {
  const refused = new MongodbBackend().init({ url: 'mongodb://localhost', options });
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  await expect(refused).rejects.not.toThrow(/7731/);
});

test.each([
  'mongodb://ann:canary-7731@h/app?authMechanism=nonsense',
  'mongodb://ann:canary-7731@a,b/app?directConnection=true',
  'mongodb://ann:canary-7731@h/app?authMechanism=MONGODB-AWS&authMechanismProperties=canary-7731',
  'mongodb://ann:canary-7731@h/app?tls=true&tlsCAFile=/no/such/file',
  'mongodb://ann:canary-7731@h/app?tls=canary-7731',
])('%s is refused as the driver does, and shows no credential', async (url) => {
  const refused = await new MongodbBackend().init({ url, options: {} }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'INVALID_ARGUMENT', operation: 'init' });
  expectNoSecret(refused, ['canary-7731']);
});

test('a client that is none is refused', async () => {
  const init = new MongodbBackend().init({ url: 'mongodb://localhost', options: {}, client: { db: () => 1 } });
  await expect(init).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
});
