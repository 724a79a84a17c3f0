import { once } from 'node:events';
import { connect } from 'node:net';
import { openRemoteStore } from '@securestore/client';
import { addPrincipal, disablePrincipal, grantRole, setRole, templateRules } from 'securestore';
import { describe, expect, it } from 'vitest';
import { clientCertificates } from '../src/index.ts';
import { authority, NO_OPENSSL } from './support/certificates.ts';
import { EVERYTHING, world } from './support/world.ts';

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
      message: expect.stringContaining('speaks no TLS'),
    });
    // Without TLS there is nothing.
    expect(await here.raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).not.toContain('200');
  });

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
