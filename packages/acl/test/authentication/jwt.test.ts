import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { CryptoKey } from 'jose';
import { exportSPKI, importJWK } from 'jose';
import type { Authenticated, Authenticator, JwtAlgorithm, JwtOptions } from '../../src/index.ts';
import { authenticate, jwt } from '../../src/index.ts';
import type { Issuer } from '../support/issuer.ts';
import { issuerWith } from '../support/issuer.ts';

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;
const UNAUTHENTICATED = expect.objectContaining({ code: 'UNAUTHENTICATED', retryable: false });

// The age of keys that were fetched is told by the clock of the process.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }));
afterEach(() => void vi.useRealTimers());

function optionsFor({ url, issuer }: Issuer, more: Partial<JwtOptions> = {}): JwtOptions {
  return { name: 'corp', keys: url, issuer, audience: 'vault', algorithms: ['RS256', 'ES256', 'EdDSA'], ...more };
}

function claims(more: Record<string, unknown> = {}): Record<string, unknown> {
  return { iss: 'https://issuer.example', aud: 'vault', sub: 'alice', iat: SECONDS, exp: SECONDS + 300, ...more };
}

async function ask(options: JwtOptions, token: string, now = NOW): Promise<Authenticated> {
  return authenticate([jwt(options)], { token }, { now });
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token', () => {
  test.each<JwtAlgorithm>(['RS256', 'ES256', 'EdDSA'])(
    'signed with %s tells who it is and until when',
    async (algorithm) => {
      const issuer = await issuerWith(algorithm);
      const found = await ask(optionsFor(issuer), await issuer.sign(claims()));
      expect(found).toEqual({ principal: 'corp:alice', roles: [], until: NOW + 360_000 });
    },
  );

  test('is good with a key set that is at hand, and no server', async () => {
    const issuer = await issuerWith('ES256');
    const options = optionsFor(issuer, { keys: { keys: [issuer.publicKey()] } });
    expect(await ask(options, await issuer.sign(claims()))).toMatchObject({ principal: 'corp:alice' });
    expect(issuer.asked).toBe(0);
  });

  test('gives the roles that its claims are mapped to, and no other', async () => {
    const issuer = await issuerWith('ES256');
    const options = optionsFor(issuer, { roles: { claim: 'groups', map: { ops: 'operator', dev: 'reader' } } });
    const roles = async (groups: unknown): Promise<unknown> =>
      (await ask(options, await issuer.sign(claims({ groups })))).roles;
    expect(await roles(['ops', 'dev', 'ops', 'constructor', 'administrator', 7])).toEqual(['operator', 'reader']);
    expect(await roles('dev')).toEqual(['reader']);
    expect(await roles({ ops: true })).toEqual([]);
    expect(await roles(undefined)).toEqual([]);
  });

  test.each<[string, Record<string, unknown>]>([
    ['of another audience', { aud: 'other' }],
    ['of another issuer', { iss: 'https://issuer.example/' }],
    ['that has expired', { exp: SECONDS - 61 }],
    ['that is not good yet', { nbf: SECONDS + 61 }],
    ['without an end', { exp: undefined }],
    ['without a subject', { sub: undefined }],
    ['whose subject is no text', { sub: 7 }],
    ['whose subject is not in normal form', { sub: 'Zoe\u0308' }],
    ['whose subject has an end that is not seen', { sub: 'alice\0' }],
    ['whose subject has a space at its end', { sub: 'alice ' }],
  ])('%s is refused', async (_name, more) => {
    const issuer = await issuerWith('ES256');
    await expect(ask(optionsFor(issuer), await issuer.sign(claims(more)))).rejects.toEqual(UNAUTHENTICATED);
  });

  test('is good within the tolerance of clocks', async () => {
    const issuer = await issuerWith('ES256');
    const token = await issuer.sign(claims({ exp: SECONDS - 59, nbf: SECONDS + 59 }));
    expect(await ask(optionsFor(issuer), token)).toMatchObject({ principal: 'corp:alice' });
    const strict = optionsFor(issuer, { clockTolerance: 0 });
    await expect(ask(strict, token)).rejects.toEqual(UNAUTHENTICATED);
  });

  test('goes to the authenticator of its issuer and audience, whichever stands first', async () => {
    const [one, two] = [await issuerWith('ES256'), await issuerWith('ES256')];
    const other = 'https://other.example';
    const known = [
      jwt(optionsFor(one)),
      jwt(optionsFor(two, { name: 'other', issuer: other })),
      jwt(optionsFor(two, { name: 'third', issuer: other, audience: 'shop' })),
    ];
    const whoIs = async (token: string): Promise<string> =>
      (await authenticate(known, { token }, { now: NOW })).principal;
    expect(await whoIs(await one.sign(claims()))).toBe('corp:alice');
    expect(await whoIs(await two.sign(claims({ iss: other })))).toBe('other:alice');
    expect(await whoIs(await two.sign(claims({ iss: other, aud: 'shop' })))).toBe('third:alice');
    // What an issuer signs in the name of another one is refused by the keys of that one.
    await expect(whoIs(await one.sign(claims({ iss: other })))).rejects.toEqual(UNAUTHENTICATED);
    await expect(whoIs(await one.sign(claims({ iss: 'https://nobody.example' })))).rejects.toEqual(UNAUTHENTICATED);
    await expect(whoIs(await one.sign(claims({ aud: 'elsewhere' })))).rejects.toEqual(UNAUTHENTICATED);
  });

  test('in three parts that is no JWT is left to others', async () => {
    const paseto: Authenticator = {
      name: 'paseto',
      authenticate: async (credentials) =>
        (credentials as { token: string }).token === 'v4.public.c29tZXRoaW5n' ? { principal: 'paseto:ann' } : undefined,
    };
    const known = [jwt(optionsFor(await issuerWith('ES256'))), paseto];
    const found = await authenticate(known, { token: 'v4.public.c29tZXRoaW5n' }, { now: NOW });
    expect(found.principal).toBe('paseto:ann');
  });

  test.each(['logout+jwt', 'secevent+jwt', 'application/dpop+jwt', ''])('of the type "%s" is refused', async (typ) => {
    const issuer = await issuerWith('ES256');
    await expect(ask(optionsFor(issuer), await issuer.sign(claims(), { typ }))).rejects.toEqual(UNAUTHENTICATED);
  });

  test.each(['JWT', 'at+jwt', 'application/at+jwt'])('of the type "%s" is taken', async (typ) => {
    const issuer = await issuerWith('ES256');
    expect(await ask(optionsFor(issuer), await issuer.sign(claims(), { typ }))).toMatchObject({
      principal: 'corp:alice',
    });
  });

  test('that ends a session at the issuer is refused, also without a type', async () => {
    const issuer = await issuerWith('ES256');
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
    await expect(ask(optionsFor(issuer), await issuer.sign(claims({ events })))).rejects.toEqual(UNAUTHENTICATED);
  });

  test('that was issued to another party is refused, unless that is one of those that may bring it', async () => {
    const issuer = await issuerWith('ES256');
    const options = optionsFor(issuer);
    expect(await ask(options, await issuer.sign(claims({ azp: 'vault' })))).toMatchObject({ principal: 'corp:alice' });
    for (const azp of ['shop', '', null, ['vault']]) {
      const foreign = await issuer.sign(claims({ aud: ['vault', 'shop'], azp }));
      await expect(ask(options, foreign)).rejects.toEqual(UNAUTHENTICATED);
    }
    const shops = { ...options, authorizedParties: ['shop'] };
    expect(await ask(shops, await issuer.sign(claims({ azp: 'shop' })))).toMatchObject({ principal: 'corp:alice' });
    await expect(ask(shops, await issuer.sign(claims({ azp: 'vault' })))).rejects.toEqual(UNAUTHENTICATED);
  });

  // T-CALLER-10
  test('that is not signed at all is refused', async () => {
    const issuer = await issuerWith('ES256');
    for (const alg of ['none', 'None', 'NONE', '']) {
      const token = `${part({ alg, typ: 'JWT' })}.${part(claims())}.`;
      await expect(ask(optionsFor(issuer), token)).rejects.toEqual(UNAUTHENTICATED);
    }
  });

  // T-CALLER-10
  test('whose secret is the public key is refused', async () => {
    const issuer = await issuerWith('RS256');
    const jwk = issuer.publicKey();
    const pem = await exportSPKI((await importJWK(jwk, 'RS256')) as CryptoKey);
    for (const secret of [
      pem,
      pem.trim(),
      JSON.stringify(jwk),
      String(jwk.n),
      Buffer.from(String(jwk.n), 'base64url'),
    ]) {
      for (const kid of [jwk.kid, undefined]) {
        const signed = `${part({ alg: 'HS256', kid })}.${part(claims())}`;
        const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
        await expect(ask(optionsFor(issuer), token)).rejects.toEqual(UNAUTHENTICATED);
      }
    }
  });

  test('signed with an algorithm that is not asked for is refused', async () => {
    const issuer = await issuerWith('ES384');
    await expect(ask(optionsFor(issuer), await issuer.sign(claims()))).rejects.toEqual(UNAUTHENTICATED);
  });

  test('that brings its own key, or names where it is, is not believed', async () => {
    const [issuer, other] = [await issuerWith('ES256'), await issuerWith('ES256')];
    const foreign = await other.sign(claims(), { kid: String(issuer.publicKey().kid) });
    await expect(ask(optionsFor(issuer), foreign)).rejects.toEqual(UNAUTHENTICATED);
    const [, payload = '', signature = ''] = foreign.split('.');
    for (const more of [{ jwk: other.publicKey() }, { jku: other.url.href }, { x5u: other.url.href }]) {
      const token = `${part({ alg: 'ES256', ...more })}.${payload}.${signature}`;
      await expect(ask(optionsFor(issuer), token)).rejects.toEqual(UNAUTHENTICATED);
    }
    expect(other.asked).toBe(0);
  });

  test('of which any byte was changed is refused', async () => {
    const issuer = await issuerWith('EdDSA');
    const authenticator = jwt(optionsFor(issuer));
    const token = await issuer.sign(claims());
    for (let index = 0; index < token.length; index++) {
      // The last character of a part has bits that mean nothing.
      if (token[index] === '.' || token[index + 1] === '.' || index === token.length - 1) continue;
      const changed = token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1);
      await expect(authenticate([authenticator], { token: changed }, { now: NOW })).rejects.toEqual(UNAUTHENTICATED);
    }
  });

  test.each([
    { token: 'a.b.c' },
    { token: '..' },
    { token: `${'x'.repeat(20_000)}.y.z` },
    { token: 7 },
    {},
    null,
    undefined,
    'a.b.c',
  ])('that is none is refused: %#', async (credentials) => {
    const issuer = await issuerWith('ES256');
    const refused = authenticate([jwt(optionsFor(issuer))], credentials, { now: NOW });
    await expect(refused).rejects.toEqual(UNAUTHENTICATED);
  });
});

describe('the keys of an issuer', () => {
  test('are fetched anew for one that is not known, but not for each of many', async () => {
    const issuer = await issuerWith('ES256');
    const authenticator = jwt(optionsFor(issuer));
    const let_in = async (token: string): Promise<unknown> =>
      authenticate([authenticator], { token }, { now: Date.now() });
    await let_in(await issuer.sign(claims()));
    await issuer.rotate('ES256');
    const token = await issuer.sign(claims());
    for (let tries = 0; tries < 50; tries++) await expect(let_in(token)).rejects.toEqual(UNAUTHENTICATED);
    expect(issuer.asked).toBe(1);
    vi.setSystemTime(NOW + 11_000);
    expect(await let_in(token)).toMatchObject({ principal: 'corp:alice' });
    expect(issuer.asked).toBe(2);
    const unknown = await issuer.sign(claims(), { kid: 'nobody' });
    await expect(let_in(unknown)).rejects.toEqual(UNAUTHENTICATED);
  });

  // T-CALLER-10
  test('that were withdrawn count no longer, also where the issuer is gone', async () => {
    const issuer = await issuerWith('ES256');
    const authenticator = jwt(optionsFor(issuer));
    const token = await issuer.sign(claims({ exp: SECONDS + 86_400 }));
    const let_in = async (): Promise<unknown> => authenticate([authenticator], { token }, { now: Date.now() });
    await let_in();
    issuer.behaviour = 'fails';
    vi.setSystemTime(NOW + 599_000);
    await let_in();
    vi.setSystemTime(NOW + 601_000);
    await expect(let_in()).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: true });
    issuer.behaviour = 'answers';
    await issuer.rotate('ES256');
    await expect(let_in()).rejects.toEqual(UNAUTHENTICATED);
  });

  test.each([
    ['fails', 'UNAVAILABLE'],
    ['babbles', 'UNAVAILABLE'],
    ['redirects', 'UNAVAILABLE'],
    ['hangs', 'TIMEOUT'],
  ] as const)('of one that %s can not be had, and that is said within seconds', async (behaviour, code) => {
    const issuer = await issuerWith('ES256');
    issuer.behaviour = behaviour;
    const token = await issuer.sign(claims());
    const refused = { code, retryable: true, message: expect.not.stringContaining(token) };
    await expect(ask(optionsFor(issuer), token)).rejects.toMatchObject(refused);
  });
});

test.each<[Partial<JwtOptions>, RegExp]>([
  [{ name: 'Corp' }, /its name/],
  [{ keys: new URL('http://issuer.example/keys') }, /must begin with https:/],
  [{ issuer: '' }, /issuer and audience/],
  [{ audience: '' }, /issuer and audience/],
  [{ algorithms: [] }, /algorithms must be of the families RS, PS or ES, or EdDSA/],
  [{ algorithms: ['HS256' as JwtAlgorithm] }, /algorithms must be of the families RS, PS or ES, or EdDSA/],
  [{ algorithms: ['none' as JwtAlgorithm] }, /algorithms must be of the families RS, PS or ES, or EdDSA/],
  [{ clockTolerance: 601 }, /clockTolerance/],
])('options that make no safe authenticator are refused: %#', (more, message) => {
  const keys = new URL('https://issuer.example/keys');
  const options = { name: 'corp', keys, issuer: 'i', audience: 'a', algorithms: ['ES256'] as const, ...more };
  expect(() => jwt(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
  );
});
