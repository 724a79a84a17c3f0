import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { unauthenticated } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import { certificateOf } from './client-certificates.ts';

/** What a request brings to prove who sends it, and the name under which that is remembered. */
export interface Credentials {
  /** As the authenticators of the store take them. */
  readonly given: unknown;
  /** A digest: nothing that credentials could be made from. */
  readonly name: string;
}

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;
/** The longest token that is looked at, in characters; those with many claims are the longest. */
export const MAX_TOKEN: number = 16 * 1024;

/** Headers that say who asks must be there once: of two each reader could take another one. */
function authorizationOf({ rawHeaders }: IncomingMessage): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== 'authorization') continue;
    if (found !== undefined) throw unauthenticated();
    found = rawHeaders[at + 1];
  }
  return found;
}

/**
 * What a request brings to prove who sends it.
 *
 * @throws SecureStoreError `UNAUTHENTICATED` if it brings nothing, or nothing of the kind
 */
export function credentialsOf(request: IncomingMessage): Credentials {
  const authorization = authorizationOf(request);
  const certificate = authorization === undefined ? certificateOf(request) : undefined;
  if (certificate !== undefined) return { given: certificate, name: `certificate ${certificate.fingerprint}` };
  if (authorization === undefined) {
    throw new SecureStoreError(
      'UNAUTHENTICATED',
      'the request takes credentials: the header Authorization must be "Bearer TOKEN"',
      {
        advice: [{ id: 'give-credentials' }],
      },
    );
  }
  const [, token] = BEARER.exec(authorization) ?? [];
  if (token === undefined || token.length > MAX_TOKEN) throw unauthenticated();
  return { given: { token }, name: `token ${hash('sha256', token, 'base64url')}` };
}
