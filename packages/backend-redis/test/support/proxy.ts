import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A way to a server that can be cut. */
export interface Proxy {
  /** The location through the proxy. */
  readonly url: string;
  /** From now on nobody gets through. */
  cut(): void;
  /** From now on what comes from the server is held back, and what goes there passes. */
  holdAnswers(): void;
  /** The next answer is lost, and the connection with it. Later connections get through. */
  loseAnswer(): void;
  close(): Promise<void>;
}

/** Puts a proxy on the loopback in front of the server of a location. */
export async function proxyTo(location: string): Promise<Proxy> {
  const target = new URL(location);
  const port = Number(target.port);
  const host = target.hostname.replace(/^\[(.*)\]$/, '$1');
  const sockets = new Set<Socket>();
  let open = true;
  let silent = false;
  let losing = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  };
  const server = createServer((client) => {
    keep(client);
    if (!open) {
      client.destroy();
      return;
    }
    const upstream = connect(port, host);
    keep(upstream);
    client.pipe(upstream);
    upstream.on('data', (bytes) => {
      if (losing) upstream.destroy();
      else if (!silent) client.write(bytes);
      losing = false;
    });
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  target.hostname = '127.0.0.1';
  target.port = String((server.address() as AddressInfo).port);
  return {
    url: target.href,
    cut,
    holdAnswers: () => void (silent = true),
    loseAnswer: () => void (losing = true),
    close: async () => {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}
