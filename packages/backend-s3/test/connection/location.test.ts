import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expectNoSecret } from '../../../backend-redis/test/support/secrets.ts';
import { S3Backend } from '../../src/index.ts';
import { parseTarget } from '../../src/connection/location.ts';

describe('a store URL', () => {
  test.each([
    ['s3://vault', { bucket: 'vault', prefix: '', region: undefined, endpoint: undefined }],
    ['s3://vault/', { prefix: '' }],
    ['s3://vault/app/prod', { bucket: 'vault', prefix: 'app/prod/' }],
    ['s3://vault/app/', { prefix: 'app/' }],
    ['s3://my.vault-1?region=eu-central-1', { bucket: 'my.vault-1', region: 'eu-central-1' }],
    ['s3://v4ult/a?endpoint=http%3A%2F%2F127.0.0.1%3A9000', { endpoint: 'http://127.0.0.1:9000/' }],
    ['s3://vault?endpoint=https://s3.example/path', { endpoint: 'https://s3.example/path' }],
    ['s3://vault?conditionalDelete=true', { conditionalDelete: true }],
    ['s3://vault?conditionalDelete=false', { conditionalDelete: false }],
  ])('%s', (url, expected) => {
    expect(parseTarget(url)).toMatchObject(expected);
  });

  test.each([
    's3:',
    's3:vault',
    's3://',
    's3://v',
    's3:///prefix',
    's3://vault#x',
    's3://vault/a//b',
    's3://vault/../b',
    's3://vault/a/./b',
    's3://vault/a b',
    's3://vault/a%2fb',
    `s3://vault/${'a'.repeat(124)}`,
    's3://vault?regoin=a',
    's3://vault?region=a&region=b',
    's3://vault?region=',
    's3://vault?region=a/b',
    's3://vault?endpoint=127.0.0.1:9000',
    's3://vault?endpoint=ftp://h',
    's3://vault?endpoint=http://h?x=1',
    's3://vault?conditionalDelete=yes',
    's3://fast--euc1-az1--x-s3/a',
    'gs://vault',
  ])('%s is refused', (url) => {
    expect(() => parseTarget(url)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });

  test.each([
    ['s3://vault?region=A_B', 'region', 'the parameter "region" of the store URL must have 1 to 64 of a-z 0-9 -'],
    ['s3://vault?region=a&region=b', 'region', 'the parameter "region" of the store URL must be given once'],
    [
      's3://vault?endpoint=ftp://x',
      'endpoint',
      'the parameter "endpoint" of the store URL must be an http: or https: URL',
    ],
    [
      's3://vault?reigon=a',
      undefined,
      'unknown parameter in the store URL, which may have conditionalDelete, endpoint and region',
    ],
  ])('%s: the parameter is named in the error, and a form is advised', (url, option, message) => {
    expect(() => parseTarget(url)).toThrow(
      expect.objectContaining({
        message: `s3: ${message}`,
        ...(option !== undefined && { option }),
        advice: [{ id: 'give-store-url', form: 's3://bucket/prefix?region=name' }],
      }),
    );
  });

  test('is never shown where it is refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'@:/?#[]%=& ax1'.split('')), maxLength: 20 }), (noise) => {
        for (const url of [
          `s3://id:canary-7731${noise}@vault?region=X`,
          `s3://vault?endpoint=http://id:canary-7731${noise}@h&region=X`,
        ]) {
          try {
            parseTarget(url);
            expect.unreachable();
          } catch (error) {
            expectNoSecret(error, ['canary-7731']);
          }
        }
      }),
    );
  });
});

test.each([
  [{ timeout: 0 }, /timeout/],
  [{ poolSize: 0 }, /poolSize/],
  [{ clockSkew: -1 }, /clockSkew/],
  [{ secretKey: 'canary-7731' }, /secretKey/],
  [{ secretAccessKey: 'canary-7731' }, /accessKeyId/],
  [{ accessKeyId: 'id' }, /secretAccessKey/],
  [{ accessKeyId: 'id', secretAccessKey: 7731 }, /secretAccessKey/],
  [{ sessionToken: 'canary-7731' }, /sessionToken/],
])('the options %j are refused', async (options, message) => {
  const refused = new S3Backend().init({ url: 's3://vault', options });
  await expect(refused).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  await expect(refused).rejects.not.toThrow(/7731/);
});

const send = (): number => 1;

test.each([{ send }, { send, config: { serviceId: 'KMS' } }, 1, null])(
  'a client that is none of S3, %j, is refused',
  async (client) => {
    const init = new S3Backend().init({ url: 's3://vault', options: {}, client });
    await expect(init).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  },
);
