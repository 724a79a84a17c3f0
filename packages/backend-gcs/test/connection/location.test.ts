import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectNoSecret } from '../../../backend-redis/test/support/secrets.ts';
import { GcsBackend } from '../../src/index.ts';
import { parseTarget } from '../../src/connection/location.ts';

describe('a store URL', () => {
  test.each([
    ['gs://vault', { bucket: 'vault', prefix: '', endpoint: undefined }],
    ['gs://vault/', { bucket: 'vault', prefix: '' }],
    ['gs://my_vault.example-1/app/prod', { bucket: 'my_vault.example-1', prefix: 'app/prod/' }],
    ['gs://vault/a./.b_~@D-/', { prefix: 'a./.b_~@D-/' }],
    ['gs://vault/a?endpoint=http%3A%2F%2F127.0.0.1%3A1', { prefix: 'a/', endpoint: 'http://127.0.0.1:1' }],
  ])('%s', (url, expected) => {
    expect(parseTarget(url)).toMatchObject(expected);
  });

  test.each([
    'gs:',
    'gs:vault',
    'gs:///vault',
    'gs://v',
    'gs://Vault',
    'gs://-vault',
    'gs://vault-',
    'gs://vault//a',
    'gs://vault/a//b',
    'gs://vault/a/../b',
    'gs://vault/.',
    'gs://vault/a b',
    'gs://vault/%41',
    `gs://vault/${'a'.repeat(121)}`,
    'gs://vault#x',
    'gs://vault?project=x',
    'gs://vault?endpoint=x.example',
    'gs://vault?endpoint=ftp://x.example',
    'gs://vault?endpoint=https://x.example/storage',
    'gs://vault?endpoint=https://me:pw@x.example',
    'gs://vault?endpoint=https://x.example&endpoint=https://x.example',
    'gcs://vault',
  ])('%s is refused', (url) => {
    expect(() => parseTarget(url)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test.each([
    [
      'gs://vault?endpoint=x',
      'endpoint',
      'the parameter "endpoint" of the store URL must be the URL of the service, without credentials and path',
    ],
    ['gs://vault?region=x', undefined, 'unknown parameter in the store URL, which may have endpoint'],
  ])('%s: the parameter is named in the error, and a form is advised', (url, option, message) => {
    expect(() => parseTarget(url)).toThrow(
      expect.objectContaining({
        message: `gcs: ${message}`,
        ...(option !== undefined && { option }),
        advice: [{ id: 'give-store-url', form: 'gs://bucket/prefix' }],
      }),
    );
  });

  test('is never shown where it is refused', () => {
    const secret = 'canary-7731';
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'@:/?#[]%=& ax1'.split('')), maxLength: 20 }), (noise) => {
        for (const url of [`gs://acme:${secret}${noise}@vault`, `gs://vault${noise}?token=${secret}`]) {
          try {
            parseTarget(url);
            expect.unreachable();
          } catch (error) {
            expectNoSecret(error, [secret]);
          }
        }
      }),
    );
  });
});

const key = { client_email: 'me@acme.example', private_key: 'canary-7731' };

test.each([
  [{ timeout: 0 }, /timeout/],
  [{ poolSize: 0 }, /poolSize/],
  [{ credential: 'canary-7731' }, /"credential"/],
  [{ ca: 7731 }, /ca/],
  [{ credentials: 'canary-7731' }, /credentials/],
  [{ credentials: { private_key: 'canary-7731' } }, /credentials/],
  [{ endpoint: 'https://x.example/?token=canary-7731', credentials: key }, /endpoint/],
])('the options %j are refused', async (options, message) => {
  const refused = new GcsBackend().init({ url: 'gs://vault', options });
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  await expect(refused).rejects.not.toThrow(/7731/);
});

test.each([[{ bucket: () => 1 }], ['client'], [{ apiEndpoint: 'x', authClient: {} }]])(
  'a client that is none is refused: %j',
  async (client) => {
    const init = new GcsBackend().init({ url: 'gs://vault', options: {}, client });
    await expect(init).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  },
);
