import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectNoSecret } from '../../../backend-redis/test/support/secrets.ts';
import { resolveAccess } from '../../src/connection/access.ts';
import { AzureBackend } from '../../src/index.ts';
import { parseTarget } from '../../src/connection/location.ts';
import { parseSettings } from '../../src/connection/settings.ts';

describe('a store URL', () => {
  test.each([
    ['azblob://vault', { container: 'vault', prefix: '', account: undefined, endpoint: undefined }],
    ['azblob://vault/', { container: 'vault', prefix: '' }],
    ['azblob://my-vault/app/prod?account=acme', { container: 'my-vault', prefix: 'app/prod/', account: 'acme' }],
    ['azblob://vault/a.b/.c_~@D-/', { prefix: 'a.b/.c_~@D-/' }],
    ['azblob://vault?endpoint=http%3A%2F%2F127.0.0.1%3A1%2Facme', { endpoint: 'http://127.0.0.1:1/acme' }],
    ['azblob://vault?endpoint=https://blob.example/&account=acme', { endpoint: 'https://blob.example/' }],
  ])('%s', (url, expected) => {
    expect(parseTarget(url)).toMatchObject(expected);
  });

  test.each([
    'azblob:',
    'azblob:vault',
    'azblob:///vault',
    'azblob://v',
    'azblob://Vault',
    'azblob://my--vault',
    'azblob://-vault',
    'azblob://vault//a',
    'azblob://vault/a//b',
    'azblob://vault/a./b',
    'azblob://vault/..',
    'azblob://vault/a b',
    'azblob://vault/%41',
    `azblob://vault/${'a'.repeat(121)}`,
    'azblob://vault#x',
    'azblob://vault?acount=acme',
    'azblob://vault?account=acme&account=acme',
    'azblob://vault?account=Acme',
    'azblob://vault?account=a?b',
    'azblob://vault?endpoint=blob.example',
    'azblob://vault?endpoint=ftp://blob.example',
    'azblob://vault?endpoint=https://blob.example?sig=x',
    'azblob://vault?endpoint=https://me:pw@blob.example',
    'azblob://acme:key@vault/a',
    'wasb://vault',
  ])('%s is refused', (url) => {
    expect(() => parseTarget(url)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test.each([
    ['azblob://vault?account=Acme', 'account', 'the parameter "account" of the store URL must be 3 to 24 of a-z 0-9'],
    [
      'azblob://vault?acount=acme',
      undefined,
      'unknown parameter in the store URL, which may have account and endpoint',
    ],
  ])('%s: the parameter is named in the error, and a form is advised', (url, option, message) => {
    expect(() => parseTarget(url)).toThrow(
      expect.objectContaining({
        message: `azure: ${message}`,
        ...(option !== undefined && { option }),
        advice: [{ id: 'give-store-url', form: 'azblob://container/prefix?account=name' }],
      }),
    );
  });

  test('is never shown where it is refused', () => {
    const secret = 'canary-7731';
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'@:/?#[]%=& ax1'.split('')), maxLength: 20 }), (noise) => {
        for (const url of [`azblob://acme:${secret}${noise}@vault`, `azblob://vault${noise}?sig=${secret}`]) {
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

test.each([
  [{ timeout: 0 }, /timeout/],
  [{ poolSize: 0 }, /poolSize/],
  [{ acountKey: 'canary-7731' }, /acountKey/],
  [{ account: 'acme', accountKey: 7731 }, /accountKey/],
  [{ account: 'acme', accountKey: 'canary 7731' }, /base64/],
  [{ account: 'acme', sasToken: 'canary-7731' }, /must have a parameter "sig"/],
  [{ account: 'acme', accountKey: 'Y2FuYXJ5', sasToken: 'sig=canary-7731' }, /only one/],
  [{ account: 'acme', credential: 'canary-7731' }, /credential/],
  [
    { account: 'acme', connectionString: 'AccountKey=canary-7731' },
    /the option "connectionString" of azure must be given without/,
  ],
  [{ connectionString: 'AccountName=acme;AccountKey=canary-7731' }, /"connectionString" must be the connection string/],
  [{ endpoint: 'https://blob.example?sig=canary-7731', accountKey: 'Y2FuYXJ5' }, /endpoint/],
  [{ endpoint: 'https://blob.example', accountKey: 'Y2FuYXJ5' }, /name of its account/],
  [{ endpoint: 'http://blob.example', credential: { getToken: async () => null } }, /https/],
  [{ account: 'NoAccount', accountKey: 'Y2FuYXJ5' }, /name of the account must be 3 to 24/],
])('the options %j are refused', async (options, message) => {
  const refused = new AzureBackend().init({ url: 'azblob://vault', options });
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  await expect(refused).rejects.not.toThrow(/7731/);
});

test.each([[{ getBlob: () => 1 }], ['client'], [{ getBlockBlobClient: () => 1 }]])(
  'a client that is none is refused: %j',
  async (client) => {
    const init = new AzureBackend().init({ url: 'azblob://vault', options: {}, client });
    await expect(init).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  },
);

describe('where the account comes from', () => {
  const key = Buffer.from('canary').toString('base64');
  const string = `DefaultEndpointsProtocol=https;AccountName=inherited;AccountKey=${key};EndpointSuffix=core.windows.net`;
  const signed = 'BlobEndpoint=https://signed.example;SharedAccessSignature=sv=2025&sig=a%2Fb';

  test.each([
    ['azblob://vault?account=acme', { accountKey: key }, {}, 'https://acme.blob.core.windows.net'],
    ['azblob://vault', { account: 'acme', accountKey: key }, {}, 'https://acme.blob.core.windows.net'],
    [
      'azblob://vault',
      {},
      { AZURE_STORAGE_ACCOUNT: 'acme', AZURE_STORAGE_KEY: key },
      'https://acme.blob.core.windows.net',
    ],
    ['azblob://vault', {}, { AZURE_STORAGE_CONNECTION_STRING: string }, 'https://inherited.blob.core.windows.net'],
    ['azblob://vault', { connectionString: string }, {}, 'https://inherited.blob.core.windows.net'],
    ['azblob://vault', { connectionString: signed }, {}, 'https://signed.example/?sv=2025&sig=a%2Fb'],
    // What names an account of its own does not go to another.
    [
      'azblob://vault?account=acme',
      { accountKey: key },
      { AZURE_STORAGE_CONNECTION_STRING: string },
      'https://acme.blob.core.windows.net',
    ],
    [
      'azblob://vault',
      { account: 'acme', sasToken: '?sv=2025&sig=a%2Fb' },
      {},
      'https://acme.blob.core.windows.net?sv=2025&sig=a%2Fb',
    ],
    ['azblob://vault?account=acme&endpoint=https://blob.example/', { accountKey: key }, {}, 'https://blob.example'],
    [
      'azblob://vault?account=acme',
      {},
      { AZURE_STORAGE_SAS_TOKEN: 'sig=x' },
      'https://acme.blob.core.windows.net?sig=x',
    ],
    ['azblob://vault?account=acme', {}, {}, 'https://acme.blob.core.windows.net'],
  ])('%s with %j in %j', async (storeUrl, options, env, expected) => {
    const { url } = await resolveAccess(parseTarget(storeUrl), parseSettings(options), env);
    expect(url.replace(/\/$/, '')).toBe(expected);
  });

  test('without one, it says how to name it', async () => {
    await expect(resolveAccess(parseTarget('azblob://vault'), parseSettings({}), {})).rejects.toMatchObject({
      message: 'azure: the account is missing',
      option: 'account',
      advice: [{ id: 'give-store-url', form: 'azblob://container/prefix?account=name' }],
    });
  });
});
