import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { disablePrincipal, generateIdentity, jwt, recipientOf, revokeRole, setRole, templateRules } from 'securestore';
import type { JwtOptions } from 'securestore';
import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../jobs/test/support/clock.ts';
import type { World } from './support/world.ts';
import { codeIn, EVERYTHING, world } from './support/world.ts';

const key = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const ISSUER: JwtOptions = {
  name: 'corp',
  keys: { keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'one' }] },
  issuer: 'https://login.example.com',
  audience: 'vault',
  algorithms: ['EdDSA'],
  roles: { claim: 'groups', map: { staff: 'staff' } },
};

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function tokenOf(claims: object, by = key, header: object = { alg: 'EdDSA', kid: 'one' }): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), by.privateKey).toString('base64url')}`;
}

async function withIssuer(): Promise<World & { readonly clock: FakeClock; readonly claims: object }> {
  const clock = new FakeClock();
  const limits = { failuresPerAddress: 1e9 };
  const here = await world({ clock, limits }, { clock, authenticators: [jwt(ISSUER)] });
  await here.store.access.change(setRole('staff', templateRules('reader')));
  await here.store.store('k', 'value');
  const exp = Math.floor(clock.now() / 1000) + 300;
  const claims = { iss: ISSUER.issuer, aud: 'vault', sub: 'carol', groups: ['staff'], exp };
  return { ...here, clock, claims };
}

/** A request for what everybody may know who is known, as it is sent. */
function asked(token: string | undefined, more = ''): string {
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  return `GET /v1/store HTTP/1.1\r\nHost: localhost\r\n${authorization}${more}\r\n`;
}

describe('requests on one connection', () => {
  it('are each of the principal whose token they bring', async () => {
    const { somebody, raw } = await world();
    const [ann, ben] = [await somebody('ann', EVERYTHING), await somebody('ben', EVERYTHING)];
    const first = [ann, ben, ann, undefined, `${ann}x`, ben].map((token) => asked(token)).join('');
    const answers = await raw(first + asked(ann, 'Connection: close\r\n'));
    const told = [...answers.matchAll(/"principal":"(\w+)"|"status":(401)/g)].map(([, name, status]) => name ?? status);
    expect(told).toEqual(['ann', 'ben', 'ann', '401', '401', 'ben', 'ann']);
  });
});

describe('a token of an issuer', () => {
  it('is taken, with the roles that it says, until it has expired', async () => {
    const { send, clock, claims } = await withIssuer();
    const token = tokenOf(claims);
    expect((await send('GET', '/v1/store', { token })).json()).toMatchObject({ principal: 'corp:carol' });
    expect((await send('GET', '/v1/objects/k', { token })).body.toString()).toBe('value');
    expect(codeIn(await send('DELETE', '/v1/objects/k', { token }))).toBe('ACCESS_DENIED');
    clock.advance(361_000);
    expect(codeIn(await send('GET', '/v1/objects/k', { token }))).toBe('UNAUTHENTICATED');
  });

  it.each<[string, (claims: object) => string]>([
    ['signed by somebody else', (claims) => tokenOf(claims, other)],
    ['of another issuer', (claims) => tokenOf({ ...claims, iss: 'https://login.example.org' })],
    ['for somebody else', (claims) => tokenOf({ ...claims, aud: 'wiki' })],
    ['without an end', (claims) => tokenOf({ ...claims, exp: undefined })],
    ['that is not good yet', (claims) => tokenOf({ ...claims, nbf: (claims as { exp: number }).exp - 100 })],
    ['that nobody has signed', (claims) => `${part({ alg: 'none' })}.${part(claims)}.`],
    ['of another algorithm', (claims) => tokenOf(claims, key, { alg: 'HS256' })],
    ['without a name', (claims) => tokenOf({ ...claims, sub: undefined })],
    ['that was changed', (claims) => tokenOf(claims).replace(/^(.*?\..{8})./, '$1A')],
  ])('%s is not', async (_what, make) => {
    const { send, claims } = await withIssuer();
    expect(codeIn(await send('GET', '/v1/objects/k', { token: make(claims) }))).toBe('UNAUTHENTICATED');
  });
});

describe('what is taken away counts at once, though sessions are remembered', () => {
  it('a token', async () => {
    const { store, send, somebody } = await world();
    const token = await somebody('ann', EVERYTHING);
    expect((await send('GET', '/v1/store', { token })).status).toBe(200);
    const [{ id } = { id: '' }] = await store.access.tokens();
    await store.access.revokeToken(id);
    expect(codeIn(await send('GET', '/v1/keys', { token }))).toBe('UNAUTHENTICATED');
  });

  // T-SERVER-03
  it('a token, also for what everybody may know who is known', async () => {
    const here = await world();
    const token = await here.somebody('ann', []);
    const paths = ['/v1/store', '/openapi.json'];
    for (const path of paths) expect((await here.send('GET', path, { token })).status).toBe(200);
    const [known] = await here.store.access.tokens();
    await here.store.access.revokeToken(known?.id ?? '');
    for (const path of paths) expect((await here.send('GET', path, { token })).status, path).toBe(401);
  });

  it('a role, and somebody altogether', async () => {
    const { store, send, somebody } = await world();
    await store.store('k', 'value');
    await somebody('who stays', EVERYTHING);
    const token = await somebody('ann', EVERYTHING);
    expect((await send('GET', '/v1/objects/k', { token })).status).toBe(200);
    await store.access.change(revokeRole('ann', 'of ann'));
    expect(codeIn(await send('GET', '/v1/objects/k', { token }))).toBe('ACCESS_DENIED');
    await store.access.change(disablePrincipal('ann', true));
    expect(codeIn(await send('GET', '/v1/objects/k', { token }))).toBe('ACCESS_DENIED');
  });

  // T-SERVER-03
  it('somebody who is disabled, also for what everybody may know who is known, which the log tells', async () => {
    const { store, send, somebody } = await world();
    await somebody('who stays', EVERYTHING);
    const token = await somebody('ann', EVERYTHING);
    await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
    const paths = ['/v1/store', '/openapi.json', '/v1/keys'];
    for (const path of paths) expect((await send('GET', path, { token })).status, path).toBe(200);
    await store.access.change(disablePrincipal('ann', true));
    for (const path of paths) {
      expect(codeIn(await send('GET', path, { token, headers: { 'x-request-id': 'late' } })), path).toBe(
        'ACCESS_DENIED',
      );
    }
    const entries = (await store.audit.entries({ entries: 50 })).filter(({ requestId }) => requestId === 'late');
    expect(entries.map(({ action, principal, outcome }) => `${action} ${principal} ${outcome}`)).toEqual(
      paths.map(() => 'session ann denied'),
    );
    await store.access.change(disablePrincipal('ann', false));
    for (const path of paths) expect((await send('GET', path, { token })).status, path).toBe(200);
  });

  it('a token whose time is up', async () => {
    const { send, store, somebody, clock } = await withIssuer();
    await somebody('ann', EVERYTHING);
    const { token } = await store.access.createToken('ann', { expires: new Date(clock.now() + 30_000) });
    expect((await send('GET', '/v1/store', { token })).status).toBe(200);
    clock.advance(30_000);
    expect(codeIn(await send('GET', '/v1/store', { token }))).toBe('UNAUTHENTICATED');
  });

  it('a token in the middle of an answer', async () => {
    const { store, port, somebody } = await world();
    await store.store('large', Buffer.alloc(40 * 1024 * 1024));
    const token = await somebody('ann', EVERYTHING);
    const [{ id } = { id: '' }] = await store.access.tokens();
    const headers = { authorization: `Bearer ${token}` };
    const reading = request({ host: '127.0.0.1', port, path: '/v1/objects/large', headers, agent: false });
    reading.end();
    // Nobody reads it yet, so that it is far from its end.
    const [answer] = (await once(reading, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(200);
    await store.access.revokeToken(id);
    await expect(buffer(answer)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});

describe('the audit log', () => {
  it('tells who asked for what, by the id of the request, and of each who proved nothing', async () => {
    const { store, send, somebody } = await world();
    await store.audit.enable({ auditor: await recipientOf(generateIdentity()), mode: 'fail-closed' });
    const token = await somebody('ann', EVERYTHING);
    const ids = ['r-1', 'r-2', 'r-3'];
    await send('PUT', '/v1/objects/k', {
      token,
      headers: { 'x-request-id': 'r-1', 'content-type': 'application/octet-stream' },
      body: 'x',
    });
    await send('GET', '/v1/objects/k', { token, headers: { 'x-request-id': 'r-2' } });
    await send('GET', '/v1/objects/k', { token: 'wrong', headers: { 'x-request-id': 'r-3' } });
    const forged = await send('GET', '/v1/objects/k', { token, headers: { 'x-request-id': 'r-2 forged' } });
    expect(forged.headers['x-request-id']).not.toBe('r-2 forged');
    const entries = (await store.audit.entries()).filter(({ requestId }) => ids.includes(requestId));
    expect(
      entries
        .map(({ action, principal, outcome, requestId }) => `${requestId} ${action} ${principal} ${outcome}`)
        .toSorted(),
    ).toEqual(['r-1 session ann allowed', 'r-1 write ann allowed', 'r-2 read ann allowed', 'r-3 session  denied']);
  });
});
