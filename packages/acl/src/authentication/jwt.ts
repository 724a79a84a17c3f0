import { isLoopback, SecureStoreError } from '@securestore/core-format';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import type { Authenticated, Authenticator } from './authenticator.ts';
import { unauthenticated } from './authenticator.ts';
import type { PrincipalName } from '../rules/identity.ts';
import { parsePrincipalName } from '../rules/identity.ts';

/** Signatures that the holder of a public key can check and not make. */
export type JwtAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA';

const ALGORITHMS: readonly unknown[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] satisfies JwtAlgorithm[];

/** Longer tokens are refused before they are looked into. */
const MAX_TOKEN_LENGTH = 16_384;
const KEYS_TIMEOUT_MS = 5000;
const KEYS_MAX_AGE_MS = 600_000;
const KEYS_COOLDOWN_MS = 10_000;

export interface JwtOptions {
  /** The beginning of its principal names, such as `corp:alice`, so that no two authenticators name the same principal. 1 to 32 characters of a-z, 0-9 and -. */
  readonly name: string;
  /** The URL of the key set (JWKS) of the issuer, or the set itself. */
  readonly keys: URL | { readonly keys: readonly object[] };
  /** The exact `iss` of a token. */
  readonly issuer: string;
  /** The value that the `aud` of a token must be or contain. */
  readonly audience: string;
  /**
   * The clients that a token with `azp` may be issued to. At some issuers, access tokens name a client that is not the audience. Default the
   * audience alone.
   */
  readonly authorizedParties?: readonly string[];
  /** The accepted algorithms of signatures: of the families RS, PS or ES, or EdDSA. */
  readonly algorithms: readonly JwtAlgorithm[];
  /** How far the clock of the issuer may differ, in seconds, at most 600. Default 60. */
  readonly clockTolerance?: number;
  /** The claim that names the principal. Default `sub`. */
  readonly claim?: string;
  /** The claim that lists roles, and the role of the access policy for each of its values. Other values are ignored. */
  readonly roles?: { readonly claim: string; readonly map: Readonly<Record<string, string>> };
}

function refuse(name: string, reason: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', `JWT authenticator ${name}: ${reason}`);
}

function checkOptions({ name, keys, issuer, audience, algorithms, clockTolerance = 60 }: JwtOptions): void {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) refuse('', 'its name must have 1 to 32 characters of a-z, 0-9 and -');
  if (keys instanceof URL && keys.protocol !== 'https:' && !(keys.protocol === 'http:' && isLoopback(keys.hostname)))
    refuse(name, 'the URL of its keys must begin with https:, unless it is on this machine');
  if (issuer === '' || audience === '') refuse(name, 'issuer and audience must be given');
  if (algorithms.length === 0 || algorithms.some((algorithm) => !ALGORITHMS.includes(algorithm)))
    refuse(name, 'algorithms must be of the families RS, PS or ES, or EdDSA');
  if (!(clockTolerance >= 0 && clockTolerance <= 600)) refuse(name, 'clockTolerance must be 0 to 600 seconds');
}

/** What `typ` says of tokens that stand for somebody. Logout tokens and security events are signed by the same keys. */
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'application/jwt', 'at+jwt', 'application/at+jwt']);

type Jose = typeof import('jose');

function keySet({ createLocalJWKSet, createRemoteJWKSet }: Jose, { keys }: JwtOptions): JWTVerifyGetKey {
  if (!(keys instanceof URL)) return createLocalJWKSet({ keys: [...keys.keys] });
  // Past its age a set is fetched again, and where that fails nobody is let in: keys that were withdrawn count no longer.
  return createRemoteJWKSet(keys, {
    timeoutDuration: KEYS_TIMEOUT_MS,
    cacheMaxAge: KEYS_MAX_AGE_MS,
    cooldownDuration: KEYS_COOLDOWN_MS,
  });
}

/** What is wrong with a token is the same to whoever brings it; that the issuer can't be asked is not their fault. */
function translate({ errors }: Jose, name: string, error: unknown): SecureStoreError {
  const aboutToken =
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid) &&
    error.code !== errors.JOSEError.code;
  if (aboutToken) return unauthenticated();
  const timedOut = error instanceof errors.JWKSTimeout;
  const message = `JWT authenticator ${name} cannot get the keys of its issuer`;
  const advice = [{ id: 'try-again' }] as const;
  return new SecureStoreError(timedOut ? 'TIMEOUT' : 'UNAVAILABLE', message, { retryable: true, advice });
}

/** Whether a token says of itself that it is for this authenticator: others are asked about the rest. */
function isFor({ decodeJwt }: Jose, token: string, { issuer, audience }: JwtOptions): boolean {
  try {
    const { iss, aud } = decodeJwt(token);
    return iss === issuer && textsOf(aud).includes(audience);
  } catch {
    // It is none.
    return false;
  }
}

/** Refuses a token that its issuer signed for another purpose, or for another party. */
function checkPurpose(typ: unknown, { events, azp }: JWTPayload, options: JwtOptions): void {
  const { audience, authorizedParties = [audience] } = options;
  const type = typeof typ === 'string' ? typ.toLowerCase() : typ;
  const isForAnother = azp !== undefined && !authorizedParties.some((party) => party === azp);
  // Some issuers give logout tokens no `typ`; what every one of them has is `events`.
  if (!TYPES.has(type) || events !== undefined || isForAnother) throw unauthenticated();
}

function textsOf(claim: unknown): string[] {
  const values: unknown[] = Array.isArray(claim) ? claim : [claim];
  return values.filter((value) => typeof value === 'string');
}

function identityOf(payload: JWTPayload, { name, claim = 'sub' }: JwtOptions): PrincipalName {
  const value = payload[claim];
  if (typeof value !== 'string') throw unauthenticated();
  try {
    const identity = parsePrincipalName(value);
    // A subject in two forms would be one principal here and two at the issuer.
    if (identity === value) return parsePrincipalName(`${name}:${identity}`);
  } catch (cause) {
    if (!SecureStoreError.is(cause)) throw cause;
  }
  throw unauthenticated();
}

function rolesOf(payload: JWTPayload, { roles }: JwtOptions): PrincipalName[] {
  if (roles === undefined) return [];
  const { claim, map } = roles;
  const named = textsOf(payload[claim]).flatMap((value) => (Object.hasOwn(map, value) ? [map[value]] : []));
  return [...new Set(named)].map(parsePrincipalName);
}

/**
 * Knows who brings a signed JWT, given as `{ token }`, by the keys of its issuer: an OpenID Connect provider, say. Tokens
 * with another `iss` or `aud` are left to other authenticators. Checked are signature, algorithm, `exp` (which must be
 * there), `nbf`, `typ`, and `azp` if it is there; logout tokens (OpenID Connect Back-Channel Logout 1.0) are refused.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function jwt(options: JwtOptions): Authenticator {
  checkOptions(options);
  const { name, issuer, audience, algorithms, clockTolerance = 60 } = options;
  let loaded: Promise<{ readonly jose: Jose; readonly keys: JWTVerifyGetKey }> | undefined;
  // Whoever opens a store without tokens needs none of it.
  const load = async (): Promise<{ readonly jose: Jose; readonly keys: JWTVerifyGetKey }> => {
    const jose = await import('jose');
    return { jose, keys: keySet(jose, options) };
  };
  return {
    name,
    async authenticate(credentials, { now }): Promise<Authenticated | undefined> {
      const token = (credentials as { token?: unknown } | null | undefined)?.token;
      if (typeof token !== 'string' || token.startsWith('sst_') || token.split('.').length !== 3) return undefined;
      if (token.length > MAX_TOKEN_LENGTH) throw unauthenticated();
      const { jose, keys } = await (loaded ??= load());
      if (!isFor(jose, token, options)) return undefined;
      let payload: JWTPayload;
      let typ: unknown;
      try {
        ({
          payload,
          protectedHeader: { typ },
        } = await jose.jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms: [...algorithms],
          clockTolerance,
          currentDate: new Date(now),
          requiredClaims: ['exp'],
        }));
      } catch (error) {
        throw translate(jose, name, error);
      }
      checkPurpose(typ, payload, options);
      const until = ((payload.exp ?? 0) + clockTolerance) * 1000;
      return { principal: identityOf(payload, options), roles: rolesOf(payload, options), until };
    },
  };
}
