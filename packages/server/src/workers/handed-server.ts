import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * A server of Node that listens nowhere: it is given connections that another socket, perhaps of another process, has accepted.
 */
export class HandedServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #onEmpty: (() => void) | undefined;

  constructor(server: Server) {
    this.#server = server;
    // By this event Node begins to look for connections whose time is up.
    server.emit('listening');
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Serves a connection. @param closed called when it has ended */
  give(socket: Socket, closed: () => void = () => undefined): void {
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      closed();
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
    this.#server.emit('connection', socket);
    socket.resume();
  }

  /** Waits for the requests that have begun; connections without one are ended. */
  async drain(): Promise<void> {
    this.#server.closeIdleConnections();
    if (this.#sockets.size > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
    this.#server.close();
  }

  /** Ends all connections. */
  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
