import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { openRemoteStore } from '@securestore/client';
import { addPrincipal, disablePrincipal, grantRole, setRole, templateRules } from 'securestore';
import { describe, expect, it } from 'vitest';
import { clientCertificates } from '../src/index.ts';
import { authority, encryptedKey, NO_OPENSSL } from './support/certificates.ts';
import { EVERYTHING, world } from './support/world.ts';

/** Opens a server that is not there, which must not be found out. */
async function refused(tls: unknown, message: string | RegExp, url = 'https://127.0.0.1:9'): Promise<void> {
  const opening = openRemoteStore(url, { credentials: {}, tls: tls as { cert: string }, timeout: 5000 });
  const error = await opening.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  expect(String(error)).not.toMatch(/BEGIN|s3cr3t/);
}

describe.skipIf(NO_OPENSSL !== undefined)('over TLS', () => {
  it('is used by whoever trusts the authority of the server, and by nobody else', async () => {
    const ca = authority();
    const here = await world({ tls: ca.sign('/CN=server') });
    const credentials = { token: await here.somebody('ann', EVERYTHING) };
    expect(here.server.url).toMatch(/^https:/);
    const remote = await openRemoteStore(here.server.url, { credentials, tls: { ca: ca.cert } });
    await remote.store('k', 'value');
    expect((await remote.retrieve('k')).text()).toBe('value');
    await remote.close();
    for (const tls of [undefined, { ca: authority().cert }]) {
      await expect(openRemoteStore(here.server.url, { credentials, tls })).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringMatching(/certificate of the server at .* is not trusted \(\w+\)/),
      });
    }
    const plain = await world();
    const mistaken = plain.server.url.replace('http:', 'https:');
    await expect(openRemoteStore(mistaken, { credentials })).rejects.toMatchObject({
      message: expect.stringContaining('does not use TLS'),
    });
    // Without TLS there is nothing.
    expect(await here.raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).not.toContain('200');
  });

  // T-WEB-05
  it('takes certificates of clients, in the place of a token', async () => {
    const [ca, others] = [authority(), authority()];
    const tls = { ...ca.sign('/CN=server'), clientCa: ca.cert };
    const here = await world(
      { tls, limits: { failuresPerAddress: 1e9 } },
      { authenticators: [clientCertificates({ name: 'pki' })] },
    );
    const { store } = here;
    await store.store('k', 'value');
    await store.access.change([
      setRole('reader', templateRules('reader')),
      addPrincipal('pki:batch', 'service'),
      grantRole('pki:batch', 'reader'),
    ]);
    const open = ({ cert, key }: { cert: string; key: string }) =>
      openRemoteStore(here.server.url, { credentials: {}, tls: { ca: ca.cert, cert, key } });
    const own = ca.sign('/CN=batch');
    const remote = await open(own);
    expect(remote.principal).toBe('pki:batch');
    expect((await remote.retrieve('k')).text()).toBe('value');
    await expect(remote.store('k', 'x')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    for (const wrong of [
      others.sign('/CN=batch'),
      ca.sign('/O=nobody'),
      ca.sign('/CN=a/CN=batch'),
      ca.sign('/CN= batch'),
    ]) {
      await expect(open(wrong)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    // What another page has a browser ask for comes with its certificate too.
    const statusOf = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = { ca: ca.cert, ...own, agent: false, headers };
        get(`${here.server.url}/v1/objects/k`, asked, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        }).on('error', reject);
      });
    for (const site of ['cross-site', 'same-site', 'same-origin']) {
      expect(await statusOf({ 'sec-fetch-site': site }), site).toBe(403);
    }
    expect(await statusOf({ 'sec-fetch-site': 'none' })).toBe(200);
    expect(await statusOf({})).toBe(200);
    await store.access.change(disablePrincipal('pki:batch', true));
    await expect(remote.retrieve('k')).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    await remote.close();
    // A token says who asks, where there are both.
    const token = await here.somebody('ann', EVERYTHING);
    const both = await openRemoteStore(here.server.url, { credentials: { token }, tls: { ca: ca.cert, ...own } });
    expect(both.principal).toBe('ann');
    await both.close();
  });

  it('needs a certificate, its key and authorities that can be used', async () => {
    const ca = authority();
    const [own, other] = [ca.sign('/CN=server'), ca.sign('/CN=server')];
    const wrong = { code: 'INVALID_ARGUMENT', message: expect.stringMatching(/in PEM/) };
    for (const tls of [
      { cert: own.cert, key: other.key },
      { cert: Buffer.from('nonsense'), key: own.key },
      { ...own, clientCa: Buffer.from('nonsense') },
      { ...own, clientCa: '-----BEGIN CERTIFICATE-----\nnonsense' },
    ]) {
      await expect(world({ tls })).rejects.toMatchObject(wrong);
    }
  });

  it('is asked for with a certificate and a key that fit, or nothing is connected to', async () => {
    const ca = authority();
    const [own, other] = [ca.sign('/CN=batch'), ca.sign('/CN=batch')];
    const encrypted = encryptedKey(own.key);
    for (const as of [(pem: string) => pem, (pem: string) => new Uint8Array(Buffer.from(pem))]) {
      const { cert, key } = { cert: as(own.cert), key: as(own.key) };
      await refused({ cert, key: as(other.key) }, 'the option "tls.key" must be the key of the certificate');
      await refused({ cert, key: as(encrypted) }, 'the option "tls.key" must not be encrypted');
      await refused({ cert, key: as('/etc/s3cr3t.key') }, '"tls.key" must have PEM in it, and not the path of a file');
      await refused(
        { cert, key: as('-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----') },
        '"tls.key" must have a private key',
      );
      await refused({ cert, key: cert }, '"tls.key" must have a private key');
      await refused({ cert: key, key }, '"tls.cert" must have a certificate');
      await refused(
        { cert: as('-----BEGIN CERTIFICATE-----\ns3cr3t\n-----END CERTIFICATE-----'), key },
        'that can be read',
      );
      await refused({ cert, key, ca: as('s3cr3t') }, '"tls.ca" must have PEM in it');
      await refused({ cert, key, ca: key }, '"tls.ca" must have a certificate');
      await refused({ cert }, '"tls.key" must be given with a certificate');
      await refused({ cert, key, pfx: 's3cr3t' }, 'unknown option "tls.pfx"');
      await refused({ cert, key }, 'must not be given for a server at http:', 'http://127.0.0.1:9');
    }
    await refused({ cert: 7, key: own.key }, '"tls.cert" must be a text or bytes');
    await refused({ key: own.key }, /credentials/);
    // Those above a certificate may follow it, and bytes are as good as text.
    const here = await world(
      { tls: { ...ca.sign('/CN=server'), clientCa: ca.cert } },
      { authenticators: [clientCertificates()] },
    );
    await here.somebody('tls:batch', EVERYTHING);
    const tls = { ca: Buffer.from(ca.cert), cert: Buffer.from(own.cert + ca.cert), key: Buffer.from(own.key) };
    const remote = await openRemoteStore(here.server.url, { credentials: {}, tls });
    expect(remote.principal).toBe('tls:batch');
    await remote.close();
  });

  it('counts the handshakes that fail', async () => {
    const ca = authority();
    const here = await world({ tls: ca.sign('/CN=server') });
    const token = await here.somebody('ann', EVERYTHING);
    expect(await here.raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).not.toContain('200');
    const headers = { authorization: `Bearer ${token}` };
    const asked = get(`${here.server.url}/metrics`, { ca: ca.cert, headers, agent: false });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    expect(await text(answer)).toMatch(/^securestore_server_refused_total\{reason="tls"\} 1$/m);
  });

  it('keeps an address from more connections than it may have, before a handshake', async () => {
    const ca = authority();
    const here = await world({ tls: ca.sign('/CN=server'), limits: { connectionsPerAddress: 1 } });
    const credentials = { token: await here.somebody('ann', EVERYTHING) };
    const open = () => openRemoteStore(here.server.url, { credentials, tls: { ca: ca.cert }, connections: 1 });
    const held = connect(here.port, '127.0.0.1');
    await once(held, 'connect');
    await expect(open()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    held.destroy();
    // As soon as the server has seen that.
    let remote = await open().catch(() => undefined);
    while (remote === undefined) remote = await open().catch(() => undefined);
    expect(remote.principal).toBe('ann');
    await remote.close();
  });

  it('is used with a certificate alone', async () => {
    const ca = authority();
    const here = await world({ tls: { ...ca.sign('/CN=server'), clientCa: ca.cert } });
    const tls = { ca: ca.cert, ...ca.sign('/CN=batch') };
    // @ts-expect-error: programs in JavaScript give no credentials.
    await expect(openRemoteStore(here.server.url, { tls })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('ends a connection on which no handshake comes', async () => {
    const here = await world({ tls: authority().sign('/CN=server'), limits: { headersTimeout: 300 } });
    const socket = connect(here.port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    await once(socket, 'close');
  });

  it('needs files that are there', async () => {
    await expect(world({ tls: { cert: '/none/server.pem', key: '/none/server.key' } })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('/none/server.pem'),
    });
  });
});
