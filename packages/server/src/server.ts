import { isIPv6 } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { ErrorDetails } from '@securestore/core-format';
import { isLoopback, SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { systemClock } from '@securestore/jobs';
import { extensionsOf } from '@securestore/objects/internal';
import { CONSOLE_PATHS } from '@securestore/protocol';
import type { Logger, SecureStore } from 'securestore';
import type { AppSettings } from './app-settings.ts';
import { App } from './app.ts';
import { LocalGuesses } from './caller/guesses.ts';
import { consoleFiles } from './console/console-files.ts';
import type { ConsoleProvider } from './console/oidc.ts';
import { Oidc } from './console/oidc.ts';
import { OwnOrigin } from './console/own-origin.ts';
import type { TlsMaterial, TlsOptions } from './exchange/node-server.ts';
import { addressOf, materialOf, nodeServer } from './exchange/node-server.ts';
import { LocalCounts } from './limits/counts.ts';
import type { ServerLimits } from './limits/limits.ts';
import { resolveLimits } from './limits/limits.ts';
import { ROUTES } from './routes/index.ts';
import type { WorkingServer } from './serve-with-workers.ts';
import { listenWithWorkers } from './serve-with-workers.ts';
import { resumeJobs } from './work/resume-jobs.ts';
import type { WorkerOptions } from './workers/worker-options.ts';
import { MAX_WORKERS } from './workers/worker-options.ts';

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
  /**
   * Further processes that answer requests about objects, so that several processors are used. Default none. Not for backends that only
   * one process can use, such as `memory:`.
   */
  readonly workers?: WorkerOptions | undefined;
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
  /** Aborts if the server cannot continue, since its workers cannot start. Its reason is a `SecureStoreError`. Close it then. */
  readonly failed: AbortSignal;
  /**
   * Takes no more requests, and waits for those under way, at most as long as the limit `closeTimeout` says. Jobs go on until the store is closed,
   * which is yours, and are gone on with by the next server.
   */
  close(): Promise<void>;
}

const DEFAULT_PORT = 8420;

function invalid(message: string, details: Pick<ErrorDetails, 'option' | 'advice'>): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message, details);
}

function check(store: SecureStore, options: ServerOptions): void {
  const { host = '127.0.0.1', port = DEFAULT_PORT, tls, behindProxy = false, workers } = options;
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535))
    invalid('the option "port" must be a number from 0 to 65535', { option: 'port' });
  if (workers !== undefined) checkWorkers(store, workers);
  if (tls !== undefined || behindProxy || isLoopback(host)) return;
  invalid(`without TLS an attacker on the network can read tokens and data of a server on ${JSON.stringify(host)}`, {
    option: 'tls',
    advice: [{ id: 'serve-with-tls' }],
  });
}

function checkWorkers(store: SecureStore, { count }: WorkerOptions): void {
  if (!(Number.isInteger(count) && count >= 2 && count <= MAX_WORKERS))
    invalid(`the option "workers.count" must be a number from 2 to ${MAX_WORKERS}`, { option: 'workers' });
  if (allowsWorkers(store)) return;
  const { backend } = extensionsOf(store).health;
  invalid(`the backend ${backend} can be used by one process only, so the server cannot have workers`, {
    option: 'workers',
  });
}

/** Whether several processes can have the store open, so that a server may have workers. */
export function allowsWorkers(store: SecureStore): boolean {
  return extensionsOf(store).health.capabilities.oneProcess !== true;
}

function urlOf({ address, port }: AddressInfo, isTls: boolean): string {
  const host = isIPv6(address) ? `[${address}]` : address;
  return `${isTls ? 'https' : 'http'}://${host}:${port}`;
}

/** Settings of a server with or without workers. */
type ServedSettings = Omit<AppSettings, 'port' | 'serverFactory'>;

/** A server that listens, and how it is closed. */
type Listening = Pick<WorkingServer, 'address' | 'close'>;

async function listenAlone(settings: ServedSettings, material: TlsMaterial | undefined, at: At): Promise<Listening> {
  const app: App = new App({
    ...settings,
    port: () => (app.fastify.server.address() as AddressInfo).port,
    serverFactory: (handler) => nodeServer(settings.limits, material, handler),
  });
  try {
    await app.fastify.listen(at);
  } catch (cause) {
    await app.close();
    throw cause;
  }
  return { address: app.fastify.server.address() as AddressInfo, close: () => app.close() };
}

interface At {
  readonly host: string;
  readonly port: number;
}

/** The reason for which a server cannot listen. */
function listenFailure(cause: unknown, { host, port }: At): unknown {
  if (SecureStoreError.is(cause)) return cause;
  const { code = 'unknown reason' } = cause as { readonly code?: string };
  const why = code === 'EADDRINUSE' ? 'another program listens there' : code;
  return new SecureStoreError('UNAVAILABLE', `cannot listen on ${host}, port ${port}: ${why}`, {
    retryable: false,
    cause,
  });
}

/**
 * Serves a store over HTTP, or with `tls` over HTTPS. Who may do what is decided by the access policy of the store, in sessions; who
 * somebody is, by its API tokens and by the `authenticators` that it was opened with. Without credentials there is nothing but `/healthz`.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT`, also for an address that others reach without TLS, and for workers at a backend that only one
 *   process can use; `UNAVAILABLE` if it can't be listened on
 */
export async function serve(store: SecureStore, options: ServerOptions = {}): Promise<RunningServer> {
  check(store, options);
  const { host = '127.0.0.1', port = DEFAULT_PORT, tls, behindProxy = false, logger, clock = systemClock() } = options;
  const limits = resolveLimits(options.limits);
  const material = tls === undefined ? undefined : await materialOf(tls);
  const files = await consoleFiles(options.console, logger);
  const { providers = [], workers, consoleOrigin } = options;
  const oidc = providers.length === 0 ? undefined : new Oidc(providers, clock, logger);
  const counts = new LocalCounts(limits, clock);
  const settings = {
    store,
    console: files && { files, oidc },
    origin: new OwnOrigin(tls !== undefined || behindProxy, consoleOrigin),
    limits,
    clock,
    logger,
    addressOf: addressOf(behindProxy),
    connectionsPerAddress: behindProxy ? 0 : limits.connectionsPerAddress,
    routes: ROUTES,
    counts,
    guesses: new LocalGuesses(limits, clock),
  };
  const at = { host, port };
  const failed = new AbortController();
  let listening: Listening;
  try {
    listening =
      workers === undefined
        ? await listenAlone(settings, material, at)
        : await listenWithWorkers(
            { ...settings, behindProxy, consoleOrigin, material, workers, failed: (error) => failed.abort(error) },
            at,
          );
  } catch (cause) {
    throw listenFailure(cause, at);
  }
  if (options.resumeJobs !== false) {
    // What is unfinished is no reason not to serve.
    resumeJobs(store, logger).catch((error: unknown) => {
      logger?.warn({ code: SecureStoreError.is(error) ? error.code : 'INTERNAL' }, 'cannot look for unfinished jobs');
    });
  }
  const { close } = listening;
  const url = urlOf(listening.address, tls !== undefined);
  const pages = files && `${consoleOrigin ?? url}${CONSOLE_PATHS.page}`;
  const { signal } = failed;
  return {
    url,
    ...(pages !== undefined && { console: pages }),
    failed: signal,
    close,
    [Symbol.asyncDispose]: close,
  };
}
