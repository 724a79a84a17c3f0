import { statSync } from 'node:fs';
import { expect, inject, onTestFinished, test } from 'vitest';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { redis } from '../../../tools/services/src/servers/redis.ts';
import { NO_OPENSSL, selfSigned } from './support/certificates.ts';
import { expectNoSecret } from './support/secrets.ts';
import { clientOf, openAt, utf8 } from './support/stores.ts';

const provided = inject('redis');
const NO_SERVER = 'skip' in provided ? provided.skip : provided.own ? NO_OPENSSL : `${redis.variable} is set`;

test('a server with TLS is used if its certificate is trusted, and else refused before the password is sent', async (context) => {
  if (NO_SERVER !== undefined) context.skip(NO_SERVER);
  const server = await startServer(redis);
  onTestFinished(async () => server.stop());
  const client = clientOf(server.url);
  const [, folder = ''] = await client.config('GET', 'dir');
  const { key, file, pem } = selfSigned(folder, statSync(folder));
  const port = Number(new URL(server.url).port);
  const settings = ['tls-cert-file', file, 'tls-key-file', key, 'tls-ca-cert-file', file, 'tls-auth-clients', 'no'];
  // The same port, from now on with TLS.
  await client.call('CONFIG', 'SET', 'port', '0', 'tls-port', String(port), ...settings);
  const url = server.url.replace('redis:', 'rediss:');
  const refused = await openAt(url).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'UNAVAILABLE', retryable: false, operation: 'init' });
  expect(String(refused)).toMatch(/not trusted/);
  expectNoSecret(refused, [new URL(server.url).password]);
  const backend = await openAt(url, { ca: pem });
  await backend.write('o/a', utf8('x'));
  expect((await backend.read('o/a'))?.size).toBe(1);
});
