import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { NO_OPENSSL, selfSigned } from '../../backend-redis/test/support/certificates.ts';
import { impatient } from '../../backend-redis/test/support/impatient.ts';
import { expectNoSecret } from '../../backend-redis/test/support/secrets.ts';
import {
  NO_OWN_SERVER,
  endpointOf,
  freshUrl,
  openAt,
  proxied,
  textOf,
  url,
  utf8,
  withEndpoint,
} from './support/stores.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const KEY = { type: 'service_account', client_email: 'me@acme.example', private_key: privateKey, private_key_id: '1' };
/** A line from the middle of the key. */
const SECRET = privateKey.split('\n')[5] ?? '';

function folderFor(): string {
  const folder = mkdtempSync(join(tmpdir(), 'securestore-gcs-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Whether a request comes with a token that was signed with {@link KEY}. */
function isSigned(authorization: string | undefined): boolean {
  const [, token = ''] = /^Bearer (\S+)$/.exec(authorization ?? '') ?? [];
  const [head = '', claims = '', signature = ''] = token.split('.');
  const signed = Buffer.from(`${head}.${claims}`);
  return verify('RSA-SHA256', signed, createPublicKey(publicKey), Buffer.from(signature, 'base64url'));
}

/** The emulator behind TLS and a door that only opens to tokens signed with {@link KEY}. */
async function guarded(): Promise<{ url: string; pem: string }> {
  const { key, file, pem } = selfSigned(folderFor(), { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  const server = createServer({ key: readFileSync(key), cert: pem }, (incoming, response) => {
    if (!isSigned(incoming.headers.authorization)) {
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":{"code":401,"message":"no"}}');
      return;
    }
    const { hostname, port } = new URL(endpointOf(url));
    const { method, url: path, headers } = incoming;
    const inner = request({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(inner);
  }).listen(0, '127.0.0.1');
  expect(file).toBeTruthy();
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: withEndpoint(freshUrl(), `https://127.0.0.1:${port}`), pem };
}

describe.skipIf(NO_OWN_SERVER !== undefined || NO_OPENSSL !== undefined)('credentials', () => {
  test('come from options or from the surroundings', async () => {
    const { url: storeUrl, pem } = await guarded();
    const file = join(folderFor(), 'key.json');
    writeFileSync(file, JSON.stringify(KEY));
    const untrusted = await openAt(storeUrl, { credentials: KEY }).catch((error: unknown) => error);
    expect(untrusted).toMatchObject({ code: 'UNAVAILABLE', retryable: false, operation: 'init' });
    expect(String(untrusted)).toMatch(/not trusted/);
    expectNoSecret(untrusted, [SECRET]);
    await (await openAt(storeUrl, { credentials: KEY, ca: pem })).write('o/a', utf8('x'));
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', file);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await textOf(await openAt(storeUrl, { ca: pem }), 'o/a')).toBe('x');
  });

  test('that are wrong, broken or not there are UNAUTHENTICATED, and never shown', async () => {
    const { url: storeUrl, pem } = await guarded();
    const other = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }).privateKey;
    vi.stubEnv('GOOGLE_APPLICATION_CREDENTIALS', '');
    vi.stubEnv('HOME', '/no/such/home');
    vi.stubEnv('METADATA_SERVER_DETECTION', 'none');
    onTestFinished(() => void vi.unstubAllEnvs());
    const broken = '-----BEGIN PRIVATE KEY-----\ncanary-7731\n-----END PRIVATE KEY-----\n';
    const options = [
      { credentials: { ...KEY, private_key: other } },
      { credentials: { ...KEY, private_key: broken } },
      { credentials: { ...KEY, private_key: 'canary-7731' } },
      {},
    ];
    for (const credentials of options) {
      const refused = await openAt(storeUrl, { ...credentials, ca: pem }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'UNAUTHENTICATED', retryable: false, operation: 'init' });
      expectNoSecret(refused, [SECRET, other.split('\n')[5] ?? '', 'canary-7731', 'Bearer ']);
    }
  });

  test('are never shown, whatever fails', async () => {
    const { url: storeUrl, pem } = await guarded();
    const failures = await Promise.allSettled([
      openAt(withEndpoint(storeUrl, 'https://127.0.0.1:1'), { credentials: KEY }),
      openAt(withEndpoint(storeUrl, 'https://no-such-host.invalid'), { credentials: KEY }),
      openAt(withEndpoint(storeUrl, endpointOf(url).replace('http:', 'https:')), { credentials: KEY }),
    ]);
    for (const failure of failures) {
      expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'UNAVAILABLE', operation: 'init' } });
      expectNoSecret(failure, [SECRET]);
    }
    const proxy = await proxied(storeUrl);
    const backend = await openAt(freshUrl(proxy.url), { credentials: KEY, ca: pem });
    await backend.write('o/a', utf8('x'));
    proxy.loseAnswer();
    const lost = await backend.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: 'UNAVAILABLE', outcome: 'unknown' });
    const soon = await impatient((timeout) => openAt(freshUrl(proxy.url), { credentials: KEY, ca: pem, timeout }));
    proxy.holdAnswers();
    const late = await soon.write('o/a', utf8('payload-7731')).catch((error: unknown) => error);
    expect(late).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' });
    expectNoSecret([lost, late, backend, soon], [SECRET, 'Bearer ', 'payload-7731']);
  });
});
