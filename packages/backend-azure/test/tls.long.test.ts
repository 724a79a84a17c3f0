import { BlobServiceClient, type StoragePipelineOptions, StorageSharedKeyCredential } from '@azure/storage-blob';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { NO_OPENSSL, selfSigned } from '../../backend-redis/test/support/certificates.ts';
import { expectNoSecret } from '../../backend-redis/test/support/secrets.ts';
import { startServer } from '../../../tools/services/src/provide/server.ts';
import { EMULATOR_KEY, azure } from '../../../tools/services/src/servers/azure.ts';
import { NO_OWN_SERVER, endpointOf, openAt, textOf, utf8, withEndpoint } from './support/stores.ts';

const SKIPPED = NO_OWN_SERVER ?? NO_OPENSSL;

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A token as the emulator wants it: it looks at everything but the signature. */
function token(): string {
  const now = Math.floor(Date.now() / 1000);
  const times = { iat: now - 60, nbf: now - 60, exp: now + 3600 };
  const claims = {
    aud: 'https://storage.azure.com',
    iss: 'https://sts.windows.net/canary-7731/',
    ...times,
    ver: '1.0',
  };
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.${part({})}`;
}

/** A server with TLS that takes tokens, and has the container of its URL. */
async function secureServer(): Promise<{ url: string; pem: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-azure-tls-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const { key, file, pem } = selfSigned(folder, { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  const server = await startServer(azure, { args: ['--oauth', 'basic', '--cert', file, '--key', key] });
  afterAll(async () => server.stop());
  const endpoint = endpointOf(server.url).replace('http:', 'https:');
  const agent = new Agent({ ca: pem });
  const options: StoragePipelineOptions & { agent: Agent } = { agent };
  const owner = new BlobServiceClient(
    endpoint,
    new StorageSharedKeyCredential('devstoreaccount1', EMULATOR_KEY),
    options,
  );
  await owner.createContainer('securestore');
  agent.destroy();
  return { url: withEndpoint(server.url, endpoint), pem };
}

const { url, pem } = SKIPPED === undefined ? await secureServer() : { url: '', pem: '' };

beforeEach(() => {
  vi.stubEnv('AZURE_STORAGE_KEY', '');
  return () => void vi.unstubAllEnvs();
});

test('a token of a credential opens it, where the certificate of the service is trusted', async (context) => {
  if (SKIPPED !== undefined) context.skip(SKIPPED);
  const credential = { getToken: async () => ({ token: token(), expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const untrusted = await openAt(url, { credential }).catch((error: unknown) => error);
  expect(untrusted).toMatchObject({ code: 'UNAVAILABLE', retryable: false, operation: 'init' });
  expect(String(untrusted)).toMatch(/not trusted/);
  const backend = await openAt(url, { credential, ca: pem });
  await backend.write('o/a', utf8('x'), { ifAbsent: true });
  expect(await textOf(backend, 'o/a')).toBe('x');
  const wrong = { getToken: async () => ({ token: 'canary-7731', expiresOnTimestamp: Date.now() + 3_600_000 }) };
  const refused = await openAt(url, { credential: wrong, ca: pem }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, operation: 'init' });
  expectNoSecret(refused, ['canary-7731']);
});

test('without credentials, those of the surroundings are looked for', async (context) => {
  if (SKIPPED !== undefined) context.skip(SKIPPED);
  let answering = false;
  // What a managed identity asks for its tokens on App Service.
  const identity = createServer((request, response) => {
    const known = request.headers['x-identity-header'] === 'canary-7731';
    const answer = { access_token: token(), expires_on: Math.floor(Date.now() / 1000) + 3600, token_type: 'Bearer' };
    response.writeHead(known && answering ? 200 : 400, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known && answering ? answer : { error: 'invalid_request' }));
  }).listen(0, '127.0.0.1');
  await once(identity, 'listening');
  onTestFinished(() => void identity.close());
  vi.stubEnv('IDENTITY_ENDPOINT', `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`);
  vi.stubEnv('IDENTITY_HEADER', 'canary-7731');
  vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'ManagedIdentityCredential');
  const refused = await openAt(url, { ca: pem }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, operation: 'init' });
  expectNoSecret(refused, ['canary-7731']);
  answering = true;
  const backend = await openAt(url, { ca: pem });
  await backend.write('o/a', utf8('x'));
  expect(await textOf(backend, 'o/a')).toBe('x');
});
