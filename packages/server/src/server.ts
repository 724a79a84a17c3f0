import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isIPv6 } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { ErrorDetails } from '@securestore/core-format';
import { fileError, isLoopback, SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { systemClock } from '@securestore/jobs';
import { CONSOLE_PATHS } from '@securestore/protocol';
import type { Logger, SecureStore } from 'securestore';
import { App } from './app.ts';
import { consoleFiles } from './console/console-files.ts';
import type { ConsoleProvider } from './console/oidc.ts';
import { Oidc } from './console/oidc.ts';
import { OwnOrigin } from './console/own-origin.ts';
import type { ServerLimits } from './limits/limits.ts';
import { resolveLimits } from './limits/limits.ts';
import { resumeJobs } from './work/resume-jobs.ts';

/** A certificate and its key, in PEM. */
export interface TlsOptions {
  /** The path of a file, or what is in it. */
  readonly cert: string | Uint8Array;
  /** The path of a file, or what is in it. */
  readonly key: string | Uint8Array;
  /**
   * The authorities whose certificates clients may bring in the place of a token: the path of a file, or what is in it. It takes
   * `clientCertificates()` among the authenticators of the store.
   */
  readonly clientCa?: string | Uint8Array | undefined;
}

export interface ServerOptions {
  /** The address to listen on. Default `127.0.0.1`: this machine alone. */
  readonly host?: string | undefined;
  /** Default 8420; 0 for any that is free. */
  readonly port?: number | undefined;
  /** Without it requests come unencrypted: on this machine, or from a proxy that has decrypted them. */
  readonly tls?: TlsOptions | undefined;
  /**
   * Says that whatever reaches the address comes from a proxy that terminates TLS. Its last `X-Forwarded-For` is then who has sent a
   * request.
   */
  readonly behindProxy?: boolean | undefined;
  /**
   * The pages of the console: the folder that they were built to, or `false` for none. By default those of `@securestore/console`, where that is
   * installed.
   */
  readonly console?: string | URL | false | undefined;
  /** Where browsers find the server, such as `https://vault.example.com`: needed if a proxy changes the `Host` of requests. */
  readonly consoleOrigin?: string | undefined;
  /** How people sign in to the console but by a token. */
  readonly providers?: readonly ConsoleProvider[] | undefined;
  /** Whether jobs are gone on with that were interrupted when their process or its store ended. Default yes. */
  readonly resumeJobs?: boolean | undefined;
  readonly limits?: Partial<ServerLimits> | undefined;
  /** Told of each request: never of names of objects, or of credentials. */
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

/** A server that takes requests. */
export interface RunningServer extends AsyncDisposable {
  /** Where clients reach it, such as `https://127.0.0.1:8420`. */
  readonly url: string;
  /** Where the console is, such as `https://127.0.0.1:8420/console/`; absent if it is not served. */
  readonly console?: string;
  /**
   * Takes no more requests, and waits for those under way, at most as long as the limit `closeTimeout` says. Jobs go on until the store is closed,
   * which is yours, and are gone on with by the next server.
   */
  close(): Promise<void>;
}

const DEFAULT_PORT = 8420;
/** How often Node looks for connections whose time is up at most, in milliseconds. */
const LOOK_EVERY = 5000;

function invalid(message: string, details: Pick<ErrorDetails, 'option' | 'advice'>): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, details);
}

function check({ host = '127.0.0.1', port = DEFAULT_PORT, tls, behindProxy = false }: ServerOptions): void {
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    invalid('the option "port" must be a number from 0 to 65535', { option: 'port' });
  if (tls !== undefined || behindProxy || isLoopback(host)) return;
  invalid(`without TLS an attacker on the network can read tokens and data of a server on ${JSON.stringify(host)}`, {
    option: 'tls',
    advice: [{ id: 'serve-with-tls' }],
  });
}

async function pem(what: string, given: string | Uint8Array): Promise<string | Buffer> {
  if (typeof given !== 'string') return Buffer.from(given);
  if (given.startsWith('-----BEGIN ')) return given;
  try {
    return await readFile(given);
  } catch (error) {
    throw fileError(error, `cannot read the file ${JSON.stringify(given)} of the ${what}`);
  }
}

interface TlsMaterial {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly ca?: string | Buffer;
  readonly requestCert?: true;
  readonly rejectUnauthorized?: false;
}

async function materialOf({ cert, key, clientCa }: TlsOptions): Promise<TlsMaterial> {
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

/** Who has sent a request: with a proxy, whom that has seen. */
function addressOf(behindProxy: boolean): (request: IncomingMessage) => string {
  return ({ headers, socket }) => {
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

/** What comes before the headers takes no longer than they may. */
function tlsLimits({ headersTimeout }: ServerLimits): { readonly handshakeTimeout?: number } {
  return headersTimeout > 0 ? { handshakeTimeout: headersTimeout } : {};
}

function urlOf({ address, port }: AddressInfo, isTls: boolean): string {
  const host = isIPv6(address) ? `[${address}]` : address;
  return `${isTls ? 'https' : 'http'}://${host}:${port}`;
}

/**
 * Serves a store over HTTP, or with `tls` over HTTPS. Who may do what is decided by the access policy of the store, in sessions; who
 * somebody is, by its API tokens and by the `authenticators` that it was opened with. Without credentials there is nothing but `/healthz`.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`, also for an address that others reach without TLS; `UNAVAILABLE` if it can't be listened on
 */
export async function serve(store: SecureStore, options: ServerOptions = {}): Promise<RunningServer> {
  check(options);
  const { host = '127.0.0.1', port = DEFAULT_PORT, tls, behindProxy = false, logger, clock = systemClock() } = options;
  const limits = resolveLimits(options.limits);
  const material = tls === undefined ? undefined : await materialOf(tls);
  const common = {
    maxHeaderSize: limits.headerBytes,
    insecureHTTPParser: false,
    joinDuplicateHeaders: false,
    // By itself Node looks every 30 s only, which the time for headers would be in vain for.
    connectionsCheckingInterval: Math.min(limits.headersTimeout || LOOK_EVERY, LOOK_EVERY),
  };
  const files = await consoleFiles(options.console, logger);
  const { providers = [] } = options;
  const oidc = providers.length === 0 ? undefined : new Oidc(providers, clock, logger);
  const app = new App({
    store,
    console: files && { files, oidc },
    origin: new OwnOrigin(tls !== undefined || behindProxy, options.consoleOrigin),
    limits,
    clock,
    logger,
    addressOf: addressOf(behindProxy),
    connectionsPerAddress: behindProxy ? 0 : limits.connectionsPerAddress,
    serverFactory: (handler) =>
      configured(
        material === undefined
          ? createServer(common, handler)
          : createTlsServer({ ...common, ...material, ...tlsLimits(limits), minVersion: 'TLSv1.2' }, handler),
        limits,
      ),
  });
  try {
    await app.fastify.listen({ host, port });
  } catch (cause) {
    await app.close();
    const { code = 'unknown reason' } = cause as { readonly code?: string };
    const why = code === 'EADDRINUSE' ? 'another program listens there' : code;
    throw new SecureStoreError('UNAVAILABLE', `cannot listen on ${host}, port ${port}: ${why}`, {
      retryable: false,
      cause,
    });
  }
  if (options.resumeJobs !== false) {
    // What is unfinished is no reason not to serve.
    resumeJobs(store, logger).catch((error: unknown) => {
      logger?.warn({ code: SecureStoreError.is(error) ? error.code : 'INTERNAL' }, 'cannot look for unfinished jobs');
    });
  }
  const close = (): Promise<void> => app.close();
  const url = urlOf(app.fastify.server.address() as AddressInfo, tls !== undefined);
  const pages = files && `${options.consoleOrigin ?? url}${CONSOLE_PATHS.page}`;
  return { url, ...(pages !== undefined && { console: pages }), close, [Symbol.asyncDispose]: close };
}
