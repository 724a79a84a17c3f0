import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** Why a connection was ended before there was a request. */
export const REFUSALS = ['address', 'connections', 'headers', 'malformed', 'timeout', 'tls'] as const;

export type Refusal = (typeof REFUSALS)[number];

/** What is wrong with what came on a connection; `undefined` where it only ended. */
export function reasonOf({ code = '' }: { readonly code?: string }): Refusal | undefined {
  if (/^ERR_(?:TLS|SSL)_/.test(code)) return 'tls';
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'timeout';
  return code.startsWith('HPE_') ? 'malformed' : undefined;
}

/**
 * Ends connections of an address that has as many as it may have. Nothing is said on them: over TLS that would take a handshake, which is what they
 * are to be kept from.
 *
 * @param most of one address at once; 0 for any number
 * @param refuse told of each connection that there are too many for, also by the limit of the server
 */
export function limitConnections(server: Server, most: number, refuse: (reason: Refusal) => void): void {
  server.on('drop', () => refuse('connections'));
  if (most === 0) return;
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = (open.get(address) ?? 0) + 1;
    if (count > most) {
      refuse('address');
      socket.destroy();
      return;
    }
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}
