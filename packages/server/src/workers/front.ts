import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Refusal } from '../limits/connections.ts';
import type { ServerLimits } from '../limits/limits.ts';

/** Receives accepted connections. */
interface FrontPorts {
  readonly limits: Pick<ServerLimits, 'connections'>;
  /** Connections at once of one address; 0 for any number. */
  readonly connectionsPerAddress: number;
  /** Serves a connection, of which nothing was read. @param closed to be called once when it has ended, in whatever process */
  readonly serve: (socket: Socket, closed: () => void) => void;
  /** Told of each connection that there are too many for. */
  readonly refuse: (reason: Refusal) => void;
}

/** Accepts the connections of a server with workers, and counts them, so that its limits are those of all workers together. */
export class Front {
  readonly #ports: FrontPorts;
  readonly #server: Server;
  readonly #open = new Map<string, number>();
  #total = 0;

  constructor(ports: FrontPorts) {
    this.#ports = ports;
    // Nothing is read here: the process that serves the connection reads all of it.
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** @throws what Node throws, such as `EADDRINUSE` */
  async listen(host: string, port: number): Promise<AddressInfo> {
    this.#server.listen({ host, port });
    await once(this.#server, 'listening');
    // The process has no descriptor left for a connection: the others continue.
    this.#server.on('error', () => this.#ports.refuse('connections'));
    return this.#server.address() as AddressInfo;
  }

  #accept(socket: Socket): void {
    const { limits, connectionsPerAddress, serve, refuse } = this.#ports;
    const address = socket.remoteAddress ?? '';
    const count = (this.#open.get(address) ?? 0) + 1;
    const isOver = this.#total >= limits.connections;
    if (isOver || (connectionsPerAddress > 0 && count > connectionsPerAddress)) {
      refuse(isOver ? 'connections' : 'address');
      socket.destroy();
      return;
    }
    this.#total += 1;
    this.#open.set(address, count);
    serve(socket, () => this.#closed(address));
  }

  #closed(address: string): void {
    this.#total -= 1;
    const left = (this.#open.get(address) ?? 1) - 1;
    if (left > 0) this.#open.set(address, left);
    else this.#open.delete(address);
  }

  /** Accepts no more connections; the port is free. */
  close(): void {
    this.#server.close();
  }
}
