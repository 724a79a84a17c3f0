import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
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

/** Reads credentials from requests. */
export class CredentialsReader {
  /** The last valid header of each open connection. */
  readonly #last = new WeakMap<Socket, { readonly authorization: string; readonly credentials: Credentials }>();

  /**
   * What a request brings to prove who sends it.
   *
   * @throws SecureStoreError `UNAUTHENTICATED` if it brings nothing, or nothing of the kind
   */
  read(request: IncomingMessage): Credentials {
    const authorization = authorizationOf(request);
    if (authorization === undefined) return credentialsOf(request, undefined);
    const { socket } = request;
    const last = this.#last.get(socket);
    // A client sends the same header with each request of a connection: its digest is made once.
    if (last?.authorization === authorization) return last.credentials;
    const credentials = credentialsOf(request, authorization);
    this.#last.set(socket, { authorization, credentials });
    return credentials;
  }
}

function credentialsOf(request: IncomingMessage, authorization: string | undefined): Credentials {
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
