import { createHmac, timingSafeEqual } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { SecureStoreError } from '@securestore/core-format';
import type { Authenticator } from './authenticator.ts';
import { API_TOKENS, unauthenticated } from './authenticator.ts';
import type { PrincipalName } from '../rules/identity.ts';

const ID_BYTES = 8;
const SECRET_BYTES = 32;
/** `sst_`, the id and the secret in base64url, 11 and 43 characters. */
const TOKEN = /^sst_([A-Za-z0-9_-]{11})_([A-Za-z0-9_-]{43})$/;

/** What is kept of a token: nothing that it could be made from. */
export interface StoredToken {
  /** 8 random bytes, base64url. */
  readonly id: string;
  readonly principal: PrincipalName;
  /** HMAC-SHA-256 of id and secret under the store's own key, base64url. */
  readonly hash: string;
  readonly created: number;
  /** Until when it is good, in milliseconds since 1970; without it until it is revoked. */
  readonly expires?: number;
}

/** A source of random bytes. */
export type RandomSource = (length: number) => Uint8Array;

/** A random name for something, 11 characters. It begins with a letter: with a dash a command line would take it for an option. */
export function randomId(random: RandomSource): string {
  const bytes = Buffer.from(random(ID_BYTES));
  bytes.writeUInt8(bytes.readUInt8() & 0x7f);
  return bytes.toString('base64url');
}

function hashOf(key: KeyObject, id: string, secret: string): Buffer {
  return createHmac('sha256', key).update('securestore api token\0').update(id).update('\0').update(secret).digest();
}

/** A new token. It is shown once: what is kept does not tell it. */
export function createToken(
  key: KeyObject,
  random: RandomSource,
  about: { readonly principal: PrincipalName; readonly now: number; readonly expires?: number | undefined },
): { readonly token: string; readonly stored: StoredToken } {
  const { principal, now, expires } = about;
  if (expires !== undefined && !(Number.isSafeInteger(expires) && expires > now)) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the option "expires" must be a time in the future', {
      option: 'expires',
    });
  }
  const id = randomId(random);
  const secret = Buffer.from(random(SECRET_BYTES)).toString('base64url');
  const hash = hashOf(key, id, secret).toString('base64url');
  const stored = { id, principal, hash, created: now, ...(expires === undefined ? {} : { expires }) };
  return { token: `sst_${id}_${secret}`, stored };
}

/**
 * Knows the tokens that {@link createToken} has made, given as `{ token }`. A wrong secret and an unknown id take the same
 * work.
 *
 * @param key under which they were hashed
 * @param tokens those that are good, by id, as they are now
 */
export function apiTokens(key: () => KeyObject, tokens: () => ReadonlyMap<string, StoredToken>): Authenticator {
  const nothing = Buffer.alloc(32);
  return {
    name: API_TOKENS,
    async authenticate(credentials, { now }) {
      const token = (credentials as { token?: unknown } | null | undefined)?.token;
      if (typeof token !== 'string' || !token.startsWith('sst_')) return undefined;
      const [, id, secret] = TOKEN.exec(token) ?? [];
      const stored = id === undefined ? undefined : tokens().get(id);
      const expected = stored === undefined ? nothing : Buffer.from(stored.hash, 'base64url');
      const given = hashOf(key(), id ?? '', secret ?? '');
      const equal = expected.length === given.length && timingSafeEqual(expected, given);
      if (stored === undefined || !equal || (stored.expires ?? Infinity) <= now) throw unauthenticated();
      return {
        principal: stored.principal,
        holds: () => tokens().has(stored.id),
        ...(stored.expires === undefined ? {} : { until: stored.expires }),
      };
    },
  };
}
