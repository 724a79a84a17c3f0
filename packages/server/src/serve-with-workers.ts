import { createServer } from 'node:http';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureStoreError } from '@securestore/core-format';
import type { AppSettings } from './app-settings.ts';
import { App } from './app.ts';
import type { TlsMaterial } from './exchange/node-server.ts';
import { nodeServer } from './exchange/node-server.ts';
import { setForwardedPeer } from './caller/forwarded-peer.ts';
import type { LocalCounts } from './limits/counts.ts';
import { takePeer } from './workers/forward-headers.ts';
import { Front } from './workers/front.ts';
import { HandedServer } from './workers/handed-server.ts';
import { TLS_SECRET } from './workers/messages.ts';
import { listenPrivately, removePrivateSocket } from './workers/private-socket.ts';
import type { WorkerOptions } from './workers/worker-options.ts';
import { WorkerPool } from './workers/worker-pool.ts';

/** A server that listens, and whose connections workers serve. */
export interface WorkingServer {
  readonly address: AddressInfo;
  readonly close: () => Promise<void>;
}

/** Settings of a server with workers. */
interface WorkingSettings extends Omit<AppSettings, 'port' | 'serverFactory' | 'others' | 'connections'> {
  readonly counts: LocalCounts;
  readonly behindProxy: boolean;
  readonly consoleOrigin: string | undefined;
  readonly material: TlsMaterial | undefined;
  readonly workers: WorkerOptions;
  /** Told if workers cannot start. */
  readonly failed: (error: SecureStoreError) => void;
}

/** Room for what a worker adds to the headers of a request that it forwards, in bytes. */
const OWN_HEADERS = 16 * 1024;

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** The parts of TLS material that workers are given: the certificate, its key, and the authorities of clients if there are any. */
function tlsParts({ cert, key, ca }: TlsMaterial): Uint8Array[] {
  return [cert, key, ...(ca === undefined ? [] : [ca])].map((part) => Buffer.from(part));
}

/**
 * Listens, and has workers serve the connections. This process serves what workers forward, and connections for which no worker is ready:
 * at the start, and after all have died.
 */
class Parent {
  readonly #settings: WorkingSettings;
  readonly #key = randomBytes(32).toString('base64url');
  readonly #app: App;
  readonly #front: Front;
  #handler: Handler = () => undefined;
  #direct: HandedServer | undefined;
  #pool: WorkerPool | undefined;
  #port = 0;

  constructor(settings: WorkingSettings) {
    this.#settings = settings;
    const { limits, material, connectionsPerAddress } = settings;
    const pool = (): WorkerPool | undefined => this.#pool;
    this.#app = new App({
      ...settings,
      // The front counts connections, since it accepts them.
      connectionsPerAddress: 0,
      port: () => this.#port,
      others: {
        get running() {
          return pool()?.running ?? 0;
        },
        refresh: async () => pool()?.refresh(),
        report: async () => pool()?.report(),
      },
      connections: {
        drain: async () => this.#direct?.drain(),
        end: () => this.#direct?.end(),
      },
      serverFactory: (handler) => {
        this.#handler = handler;
        return nodeServer({ ...limits, connections: Infinity }, material, (request, response) => {
          // Once there are workers, the client is to come to one of them.
          if (this.#pool?.isReady === true) response.shouldKeepAlive = false;
          handler(request, response);
        });
      },
    });
    this.#front = new Front({
      limits,
      connectionsPerAddress,
      serve: (socket, closed) => this.#serve(socket, closed),
      refuse: (reason) => this.#app.refuse(reason),
    });
  }

  #serve(socket: Socket, closed: () => void): void {
    if (this.#pool?.give(socket, closed) === true) return;
    if (this.#direct === undefined) socket.destroy();
    else this.#direct.give(socket, closed);
  }

  async listen(at: { readonly host: string; readonly port: number }): Promise<WorkingServer> {
    await this.#app.fastify.ready();
    const { limits } = this.#settings;
    this.#direct = new HandedServer(this.#app.fastify.server);
    const forwarded = createServer(
      {
        maxHeaderSize: limits.headerBytes + OWN_HEADERS,
        requestTimeout: 0,
        keepAliveTimeout: 0,
        // Requests of HTTP/1.0 may have none. The worker has required one of others.
        requireHostHeader: false,
      },
      (request, response) => this.#receive(request, response),
    );
    // The worker has counted them, and adds two.
    forwarded.maxHeadersCount = 0;
    let socketPath: string | undefined;
    try {
      const address = await this.#front.listen(at.host, at.port);
      this.#port = address.port;
      socketPath = await listenPrivately(forwarded);
      this.#startWorkers(socketPath);
      const path = socketPath;
      let closing: Promise<void> | undefined;
      const close = async (): Promise<void> => {
        this.#front.close();
        await Promise.all([this.#pool?.stop(), this.#app.close()]);
        forwarded.close();
        forwarded.closeAllConnections();
        await removePrivateSocket(path);
      };
      return { address, close: () => (closing ??= close()) };
    } catch (error) {
      this.#front.close();
      forwarded.close();
      await this.#app.close();
      throw error;
    }
  }

  /** Serves a request that a worker forwards; others are not answered. */
  #receive(request: IncomingMessage, response: ServerResponse): void {
    const peer = takePeer(request, this.#key);
    if (peer === undefined) {
      response.destroy();
      return;
    }
    setForwardedPeer(request, peer);
    this.#handler(request, response);
  }

  #startWorkers(socketPath: string): void {
    const { workers, counts, guesses, limits, clock, logger, failed, store, material } = this.#settings;
    const { behindProxy, consoleOrigin } = this.#settings;
    const secrets = async (name: string): Promise<readonly Uint8Array[]> => {
      if (name === TLS_SECRET) return material === undefined ? [] : tlsParts(material);
      return (await workers.secrets?.(name)) ?? [];
    };
    this.#pool = new WorkerPool({
      options: workers,
      counts,
      guesses,
      secrets,
      clock,
      logger,
      failed,
      absorb: (figures) => this.#app.absorb(figures),
      closeTimeout: limits.closeTimeout,
      start: {
        fingerprint: store.fingerprint,
        limits,
        behindProxy,
        consoleOrigin,
        socketPath,
        key: this.#key,
        isTls: material !== undefined,
      },
    });
    this.#pool.start();
  }
}

/** Listens, and has workers serve the connections. @throws what Node throws; SecureStoreError `UNAVAILABLE` */
export function listenWithWorkers(
  settings: WorkingSettings,
  at: { readonly host: string; readonly port: number },
): Promise<WorkingServer> {
  return new Parent(settings).listen(at);
}
