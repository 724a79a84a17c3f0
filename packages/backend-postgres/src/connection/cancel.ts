import { connect } from 'node:net';
import type pg from 'pg';

/** The number that makes a first message a request to cancel. */
const CANCEL_REQUEST = 80877102;

/** What a client of `pg` knows of its connection, beyond its types. */
interface Identity {
  readonly processID?: unknown;
  readonly secretKey?: unknown;
  readonly host?: unknown;
  readonly port?: unknown;
}

/**
 * Asks the server to end what runs on a connection. It never answers; the statement itself fails, if it still runs.
 * The request goes unencrypted, as that of libpq, and holds nothing that gives access.
 *
 * Source: PostgreSQL, "Frontend/Backend Protocol", "Canceling Requests in Progress".
 */
export function cancelStatement(client: pg.PoolClient): void {
  const { processID, secretKey, host, port } = client as Identity;
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return;
  if (typeof host !== 'string' || typeof port !== 'number') return;
  const request = Buffer.alloc(16);
  request.writeInt32BE(request.length, 0);
  request.writeInt32BE(CANCEL_REQUEST, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  socket.setTimeout(2_000, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.end(request);
}
