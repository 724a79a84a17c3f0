import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { NO_OPENSSL, selfSigned } from '../../backend-redis/test/support/certificates.ts';
import { expectNoSecret } from '../../backend-redis/test/support/secrets.ts';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { mongodb } from '../../../tools/services/src/servers/mongodb.ts';
import { checkOf, look, opened, troubles } from '../../securestore/test/support/server-health.ts';
import { MongodbBackend } from '../src/index.ts';
import { clientOf, freshUrl, openAt, utf8 } from './support/stores.ts';

// These tests change how a server is set up, so each has one of its own.
const provided = inject('mongodb');
const NO_SERVER = 'skip' in provided ? provided.skip : provided.own ? undefined : `${mongodb.variable} is set`;

async function warningsAt(url: string): Promise<[object, string][]> {
  const warnings: [object, string][] = [];
  const backend = new MongodbBackend();
  const logger = { warn: (fields: object, message: string) => void warnings.push([fields, message]) };
  await backend.init({ url: freshUrl(url), options: {}, logger });
  await backend.close();
  expectNoSecret(warnings, [new URL(url).password]);
  return warnings;
}

test('a server with TLS is used if its certificate is trusted, and else refused before the password is sent', async (context) => {
  const reason = NO_SERVER ?? NO_OPENSSL;
  if (reason !== undefined) context.skip(reason);
  const folder = mkdtempSync(join(tmpdir(), 'securestore-tls-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { key, file, pem } = selfSigned(folder, statSync(folder));
  const server = await startServer(mongodb, { args: ['--tls-cert-file', file, '--tls-key-file', key] });
  onTestFinished(async () => server.stop());
  const { url } = server;
  const storeUrl = `${url}&tls=true`;
  // On a busy machine a second may be over before the certificate was seen.
  let refused: unknown;
  for (let selectionTimeout = 1000; selectionTimeout <= 64_000; selectionTimeout *= 2) {
    refused = await openAt(storeUrl, { selectionTimeout }).catch((error: unknown) => error);
    if (String(refused).includes('not trusted')) break;
  }
  expect(refused).toMatchObject({ code: 'UNAVAILABLE', retryable: false, operation: 'init' });
  expect(String(refused)).toMatch(/not trusted/);
  expectNoSecret(refused, [new URL(url).password]);
  for (const backend of [await openAt(storeUrl, { ca: pem }), await openAt(`${storeUrl}&tlsCAFile=${file}`)]) {
    await backend.write('o/a', utf8('x'));
    expect((await backend.read('o/a'))?.size).toBe(1);
  }
});

describe.skipIf(NO_SERVER !== undefined)('a server that belongs to no replica set', () => {
  let url = '';
  beforeAll(async () => {
    const server = await startServer(mongodb, { args: ['--standalone', '--enable-test-commands'] });
    ({ url } = server);
    return async () => server.stop();
  });

  test('is warned of, and works', async () => {
    if ('url' in provided) expect(await warningsAt(provided.url)).toEqual([]);
    expect(await warningsAt(url)).toEqual([[{ backend: 'mongodb' }, expect.stringContaining('no replica set')]]);
    const backend = await openAt(freshUrl(url));
    const { etag } = await backend.write('o/a', utf8('1'), { ifAbsent: true });
    await backend.write('o/a', utf8('2'), { ifMatch: etag });
    expect((await backend.list('')).entries).toHaveLength(1);
  });

  test('like any other: what it answers is said by a code, and whether a write may have taken place', async () => {
    const admin = clientOf(url).db('admin');
    /** Makes the server answer a command as it says, once or more often. */
    const fail = async (failCommand: string, data: object, times = 1): Promise<void> => {
      const failing = { failCommands: [failCommand], appName: 'securestore', ...data };
      await admin.command({ configureFailPoint: 'failCommand', mode: { times }, data: failing });
    };
    const backend = await openAt(freshUrl(url));
    await backend.write('o/a', utf8('0'));
    /** By what some answers say the driver has no primary until it has looked again, which takes its time on a busy machine. */
    const held = (): Promise<string> =>
      vi.waitFor(async () => Buffer.from((await backend.read('o/a'))?.body ?? []).toString(), { timeout: 20_000 });
    const answers: [data: object, expected: object][] = [
      [{ errorCode: 13 }, { code: 'ACCESS_DENIED', retryable: false }],
      [{ errorCode: 50 }, { code: 'TIMEOUT', retryable: true }],
      [{ errorCode: 59 }, { code: 'UNSUPPORTED' }],
      [{ errorCode: 238 }, { code: 'UNSUPPORTED' }],
      [{ errorCode: 462 }, { code: 'THROTTLED', retryable: true }],
      [{ errorCode: 10107 }, { code: 'UNAVAILABLE', retryable: true }],
      [{ errorCode: 14031 }, { code: 'NO_SPACE' }],
      [{ errorCode: 8 }, { code: 'INTERNAL', message: expect.stringContaining('error 8') }],
      [{ errorCode: 91 }, { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' }],
      [{ errorCode: 189 }, { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' }],
      [{ errorCode: 11602 }, { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' }],
      [{ closeConnection: true }, { code: 'UNAVAILABLE', retryable: true, outcome: 'unknown' }],
    ];
    for (const [data, expected] of answers) {
      await fail('findAndModify', data);
      const failure = await backend.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
      expect(failure, JSON.stringify(data)).toMatchObject({ ...expected, key: 'o/a' });
      if (!('outcome' in expected)) expect(failure, JSON.stringify(data)).not.toHaveProperty('outcome');
      expectNoSecret(failure, ['payload-7731', new URL(url).password]);
      expect(await held()).toBe('0');
    }
    await fail('aggregate', { errorCode: 11602 });
    const read = await backend.read('o/a').catch((error: unknown) => error);
    expect(read).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    expect(read).not.toHaveProperty('outcome');
    // What only others were in the way of is tried again at once.
    await fail('findAndModify', { errorCode: 112 }, 3);
    await backend.write('o/a', utf8('1'));
    // What too few servers confirm was done all the same.
    for (const [index, code] of [64, 100, 10107].entries()) {
      await fail('findAndModify', { writeConcernError: { code, errmsg: 'too few' } });
      const unconfirmed = backend.write('o/a', utf8(`unconfirmed ${index}`));
      await expect(unconfirmed).rejects.toMatchObject({ outcome: 'unknown', retryable: true, key: 'o/a' });
      expect(await held()).toBe(`unconfirmed ${index}`);
    }
    await fail('delete', { writeConcernError: { code: 64, errmsg: 'too few' } });
    await expect(backend.delete('o/a')).rejects.toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
  });

  test('with too much to do is a finding of the health of the store', async () => {
    const admin = clientOf(url).db('admin');
    const fail = async (errorCode: number, times: number): Promise<void> => {
      const data = { failCommands: ['findAndModify', 'aggregate'], appName: 'securestore', errorCode };
      await admin.command({ configureFailPoint: 'failCommand', mode: { times }, data });
    };
    const store = await opened(freshUrl(url));
    expect(troubles(await look(store))).toEqual({});
    await fail(462, 5);
    const throttled = await look(store);
    expect(troubles(throttled)).toEqual({ errors: 'degraded' });
    expect(checkOf(throttled, 'errors')).toMatchObject({
      reason: expect.stringContaining('THROTTLED'),
      advice: 'raise the limits of the account, or send it less',
    });
  });
});
