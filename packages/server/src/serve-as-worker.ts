import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import process from 'node:process';
import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { systemClock } from '@securestore/jobs';
import { extensionsOf } from '@securestore/objects/internal';
import type { Logger, SecureStore } from 'securestore';
import { App } from './app.ts';
import type { Guesses } from './caller/guesses.ts';
import { ConsoleApp } from './console/console-app.ts';
import { OwnOrigin } from './console/own-origin.ts';
import type { TlsMaterial } from './exchange/node-server.ts';
import { addressOf, nodeServer } from './exchange/node-server.ts';
import { LeasedCounts } from './limits/leased-counts.ts';
import { SlowPeers } from './limits/slow-peers.ts';
import { OBJECT_CALL_ROUTES } from './routes/index.ts';
import { Channel, knownError } from './workers/channel.ts';
import { Forwarder } from './workers/forwarder.ts';
import { HandedServer } from './workers/handed-server.ts';
import type { WorkerStart } from './workers/messages.ts';
import { SECRETS_FD, TLS_SECRET } from './workers/messages.ts';
import { removePrivateSocket } from './workers/private-socket.ts';
import { SecretReader } from './workers/secrets.ts';

/** Given to a worker before it opens the store. */
export interface WorkerParent {
  /** From 1. A worker that takes the place of another one has its number. */
  readonly number: number;
  /** Of the store that is served: give it to `openStore`. */
  readonly fingerprint: string;
  /** The option `workers.settings` of the server. */
  readonly settings: unknown;
  /** The parts of a secret, from the option `workers.secrets` of the server; the caller wipes them. @throws SecureStoreError what that throws */
  readonly secret: (name: string) => Promise<Buffer[]>;
}

export interface WorkerServeOptions {
  /** Told of each request that this worker answers itself. */
  readonly logger?: Logger | undefined;
  readonly clock?: Clock | undefined;
}

/** How often a worker gives a sign of life, in milliseconds. */
const BEAT_EVERY = 500;

/** How long a worker outlives its server at most, in milliseconds, beside the time for requests in progress. */
const OUTLIVES = 10_000;

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Handlers of messages from the process of the server. */
interface FromServer {
  readonly start: PromiseWithResolvers<WorkerStart>;
  readonly stopped: AbortController;
  /** How long requests in progress may take when the server ends, in milliseconds. */
  endsWithin: number;
  connection: (id: number, socket: Socket | undefined) => void;
  refresh: () => Promise<void>;
  report: () => unknown;
}

function connectToServer(from: FromServer): Channel {
  if (process.send === undefined) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'a worker must be started by a server with the option "workers"');
  }
  const port = {
    send: (message: unknown, _handle: unknown, sent: (error: Error | null) => void) =>
      process.send?.(message, undefined, undefined, sent),
    on: (event: 'message', listener: (message: unknown, handle: unknown) => void) => process.on(event, listener),
  };
  const channel = new Channel(
    port,
    {
      start: (start: WorkerStart) => from.start.resolve(start),
      connection: (id: number, socket: unknown) => from.connection(id, socket instanceof Socket ? socket : undefined),
      stop: () => from.stopped.abort(),
    },
    { refresh: () => from.refresh(), report: () => from.report() },
  );
  process.once('disconnect', () => {
    channel.close();
    // Something that never ends, such as opening a store at a backend that hangs, must not keep the process alive.
    setTimeout(() => process.exit(1), from.endsWithin + OUTLIVES).unref();
    from.start.reject(new SecureStoreError('UNAVAILABLE', 'the server has ended'));
    from.stopped.abort();
  });
  return channel;
}

async function tlsMaterial(secrets: SecretReader): Promise<TlsMaterial> {
  const [cert, key, ca] = await secrets.read(TLS_SECRET);
  if (cert === undefined || key === undefined) throw new SecureStoreError('INTERNAL', 'the server has no certificate');
  return { cert, key, ...(ca && { ca, requestCert: true, rejectUnauthorized: false }) };
}

/** Paths of requests about objects by their methods: whole ones, and what comes before the key of others. */
interface OwnPaths {
  readonly whole: readonly string[];
  readonly beforeKey: readonly string[];
}

function ownPaths(method: string): OwnPaths {
  const paths = OBJECT_CALL_ROUTES.filter((route) => route.method === method).map(({ path }) => path);
  const [whole, keyed] = [paths.filter((path) => !path.includes('{')), paths.filter((path) => path.includes('{'))];
  return { whole, beforeKey: keyed.map((path) => path.slice(0, path.indexOf('{'))) };
}

const OWN_PATHS: ReadonlyMap<string, OwnPaths> = new Map(
  OBJECT_CALL_ROUTES.map(({ method }) => [method, ownPaths(method)]),
);

/** Whether a worker answers a request itself: it is about objects, and of no page, whose session the process of the server has. */
function isOwn(request: IncomingMessage): boolean {
  const { url = '', method = '' } = request;
  const paths = OWN_PATHS.get(method);
  if (paths === undefined || ConsoleApp.isOfPage(request)) return false;
  if (paths.beforeKey.some((start) => url.startsWith(start))) return true;
  const [path = ''] = url.split('?', 1);
  return paths.whole.includes(path);
}

function guessesOf(channel: Channel): Guesses {
  return {
    mayTry: (address, name) => channel.ask<boolean>('mayTry', { address, name }),
    failed: (address, name) => channel.tell('failedGuess', { address, name }),
    proven: (name) => channel.tell('proven', name),
  };
}

/** Serves what the process of the server hands over, until it says to stop or has ended. */
async function serveStore(
  store: SecureStore,
  start: WorkerStart,
  material: TlsMaterial | undefined,
  {
    channel,
    from,
    options,
  }: { readonly channel: Channel; readonly from: FromServer; readonly options: WorkerServeOptions },
): Promise<void> {
  const { limits, behindProxy, consoleOrigin, workers, socketPath, key, isTls } = start;
  const { logger, clock = systemClock() } = options;
  const owner = {
    grant: (place: string, name: string, count: number) => channel.ask<number>('grant', { place, name, count }),
    free: (place: string, name: string, count: number) => channel.tell('free', { place, name, count }),
    grantRequests: (name: string, count: number) => channel.ask<number>('grantRequests', { name, count }),
  };
  const counts = new LeasedCounts(owner, limits, workers, clock);
  const slow = new SlowPeers(limits.leastRate, clock);
  const forwarder = new Forwarder({
    socketPath,
    key,
    addressOf: addressOf(behindProxy),
    slow,
    stopping: from.stopped.signal,
  });
  const handed: { server?: HandedServer } = {};
  const app: App = new App({
    store,
    limits,
    clock,
    logger,
    counts,
    origin: new OwnOrigin(isTls || behindProxy, consoleOrigin),
    addressOf: addressOf(behindProxy),
    connectionsPerAddress: 0,
    routes: OBJECT_CALL_ROUTES,
    guesses: guessesOf(channel),
    connections: { drain: async () => handed.server?.drain(), end: () => handed.server?.end() },
    port: () => 0,
    serverFactory: (handler) =>
      nodeServer({ ...limits, connections: Infinity }, material, (request, response) =>
        isOwn(request) ? handler(request, response) : forwarder.forward(request, response),
      ),
  });
  await app.fastify.ready();
  const server = new HandedServer(app.fastify.server);
  handed.server = server;
  from.connection = (id, socket) => {
    channel.tell('took', id);
    if (socket === undefined) channel.tell('closed', id);
    else server.give(socket, () => channel.tell('closed', id));
  };
  from.refresh = () => extensionsOf(store).policy.refresh();
  from.report = () => app.drain();
  const beats = setInterval(() => channel.tell('beat', app.drain()), BEAT_EVERY);
  channel.tell('ready');
  if (!from.stopped.signal.aborted) await once(from.stopped.signal, 'abort');
  await app.close();
  channel.tell('beat', app.drain());
  clearInterval(beats);
  counts.end();
  slow.end();
  forwarder.end();
  // The process of the server may have been killed, and cannot remove it.
  if (!process.connected) await removePrivateSocket(socketPath);
}

/**
 * Serves a store as a worker of a server: called by the module that the option `workers` of `serve` names. It resolves when the worker has
 * ended, since the server stops or has died; the store is closed then.
 *
 * @param open opens the store that is served, with `maintenance: false`: the server looks after it
 * @throws SecureStoreError `INVALID_ARGUMENT` if the process was not started by a server; what `open` throws
 */
export async function serveAsWorker(
  open: (parent: WorkerParent) => Promise<SecureStore>,
  options: WorkerServeOptions = {},
): Promise<void> {
  const from: FromServer = {
    start: Promise.withResolvers(),
    stopped: new AbortController(),
    endsWithin: 0,
    connection: (_id, socket) => void socket?.destroy(),
    refresh: async () => undefined,
    report: () => undefined,
  };
  const channel = connectToServer(from);
  // A terminal and systemd send signals to all processes of a server: it tells its workers itself when to end.
  for (const name of SIGNALS) process.on(name, () => undefined);
  try {
    const start = await from.start.promise;
    const secrets = new SecretReader(new Socket({ fd: SECRETS_FD, readable: true, writable: true }));
    const { number, fingerprint, settings, limits } = start;
    from.endsWithin = limits.closeTimeout;
    const material = start.isTls ? await tlsMaterial(secrets) : undefined;
    await using store = await open({ number, fingerprint, settings, secret: (name) => secrets.read(name) });
    await serveStore(store, start, material, { channel, from, options });
  } catch (error) {
    channel.tell('failed', knownError(error));
    throw error;
  }
}
