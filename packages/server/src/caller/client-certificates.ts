import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { Authenticator } from '@securestore/acl';
import { parsePrincipalName, unauthenticated } from '@securestore/acl';
import { SecureStoreError } from '@securestore/core-format';
import { ClientCertificate } from './client-certificate.ts';
import { forwardedPeerOf } from './forwarded-peer.ts';

/** The certificate of whoever sends a request; `undefined` if there is none, or none that counts. */
export function certificateOf(request: IncomingMessage): ClientCertificate | undefined {
  const forwarded = forwardedPeerOf(request);
  if (forwarded !== undefined) return forwarded.certificate;
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const { subject, fingerprint256, valid_to: until } = socket.getPeerCertificate();
  if (fingerprint256 === undefined) return undefined;
  const name: unknown = subject?.CN;
  // Of several names none is the one.
  return new ClientCertificate(typeof name === 'string' ? name : undefined, fingerprint256, Date.parse(until));
}

/**
 * Knows whoever brings a certificate that an authority of the server's `tls.clientCa` has signed: `NAME:` and the common name of the certificate. It
 * goes to the `authenticators` that the store is opened with. A certificate counts until it expires, so make them short-lived; or disable
 * the principal.
 *
 * @param name stands before the names of principals, so that no two authenticators speak of the same ones
 * @throws SecureStoreError `INVALID_ARGUMENT`
 */
export function clientCertificates({ name = 'tls' }: { readonly name?: string | undefined } = {}): Authenticator {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(name)) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      'the name of an authenticator must have 1 to 32 characters of a-z, 0-9 and -',
    );
  }
  return {
    name,
    async authenticate(credentials) {
      if (!(credentials instanceof ClientCertificate)) return undefined;
      const { commonName, until } = credentials;
      if (commonName === undefined) throw unauthenticated();
      try {
        const identity = parsePrincipalName(commonName);
        // A name in two forms would be one principal here and two at the authority.
        if (identity === commonName) return { principal: parsePrincipalName(`${name}:${identity}`), until };
      } catch (error) {
        if (!SecureStoreError.is(error)) throw error;
      }
      throw unauthenticated();
    },
  };
}
