import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { fileError, SecureStoreError } from '@securestore/core-format';
import { forwardedPeerOf } from '../caller/forwarded-peer.ts';
import type { ServerLimits } from '../limits/limits.ts';

/** A certificate and its key, in PEM. */
export interface TlsOptions {
  /** The path of a file, or what is in it. */
  readonly cert: string | Uint8Array;
  /** The path of a file, or what is in it. */
  readonly key: string | Uint8Array;
  /**
   * The authorities whose certificates clients may present instead of a token: the path of a file, or what is in it. It takes
   * `clientCertificates()` among the authenticators of the store.
   */
  readonly clientCa?: string | Uint8Array | undefined;
}

/** How often Node looks for connections whose time is up at most, in milliseconds. */
const LOOK_EVERY = 5000;

async function pem(what: string, given: string | Uint8Array): Promise<string | Buffer> {
  if (typeof given !== 'string') return Buffer.from(given);
  if (given.startsWith('-----BEGIN ')) return given;
  try {
    return await readFile(given);
  } catch (error) {
    throw fileError(error, `cannot read the file ${JSON.stringify(given)} of the ${what}`);
  }
}

/** The certificate of a server with its key, and the authorities of clients. */
export interface TlsMaterial {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca?: string | Buffer;
  readonly requestCert?: true;
  readonly rejectUnauthorized?: false;
}

/** Reads what TLS takes. @throws SecureStoreError `INVALID_ARGUMENT`, what keeps a file from being read */
export async function materialOf({ cert, key, clientCa }: TlsOptions): Promise<TlsMaterial> {
  const own = { cert: await pem('certificate', cert), key: await pem('key of the certificate', key) };
  usable('the certificate and its key must be a pair in PEM', () => createSecureContext(own));
  if (clientCa === undefined) return own;
  const ca = await pem('authorities of clients', clientCa);
  // TLS silently skips what is not a certificate, and then no client could come with one.
  usable('the authorities of clients must be certificates in PEM', () => new X509Certificate(ca));
  // A client with no certificate, or an untrusted one, may have a token.
  return { ...own, ca, requestCert: true, rejectUnauthorized: false };
}

function usable(otherwise: string, use: () => unknown): void {
  try {
    use();
  } catch (cause) {
    const { code = 'unknown reason' } = cause as { readonly code?: string };
    throw new SecureStoreError('INVALID_ARGUMENT', `${otherwise} (${code})`);
  }
}

/** The address of the sender of a request: with a proxy, the one that the proxy has seen. */
export function addressOf(behindProxy: boolean): (request: IncomingMessage) => string {
  return (request) => {
    const peer = forwardedPeerOf(request);
    if (peer !== undefined) return peer.address;
    const { headers, socket } = request;
    const forwarded = behindProxy ? headers['x-forwarded-for'] : undefined;
    // Only the last one is what the proxy has seen; the caller may have made up those before it.
    const last = String(forwarded ?? '')
      .split(',')
      .at(-1)
      ?.trim();
    return last || (socket.remoteAddress ?? '');
  };
}

function configured(server: Server, { connections, headersTimeout, idleTimeout }: ServerLimits): Server {
  server.maxConnections = connections;
  server.headersTimeout = headersTimeout;
  server.keepAliveTimeout = idleTimeout;
  // A body takes as long as it takes.
  server.requestTimeout = 0;
  return server;
}

/** The handshake may take as long as the headers. */
function tlsLimits({ headersTimeout }: ServerLimits): { readonly handshakeTimeout?: number } {
  return headersTimeout > 0 ? { handshakeTimeout: headersTimeout } : {};
}

/** Makes the server of Node, with TLS if there is material for it. */
export function nodeServer(
  limits: ServerLimits,
  material: TlsMaterial | undefined,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const common = {
    maxHeaderSize: limits.headerBytes,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    // By itself Node looks every 30 s only, which the time for headers would be in vain for.
    connectionsCheckingInterval: Math.min(limits.headersTimeout || LOOK_EVERY, LOOK_EVERY),
  };
  const tls = material && { ...common, ...material, ...tlsLimits(limits), minVersion: 'TLSv1.2' as const };
  return configured(tls === undefined ? createServer(common, handler) : createTlsServer(tls, handler), limits);
}
