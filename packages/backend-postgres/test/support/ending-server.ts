import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.from(`${type}\0\0\0\0`);
  head.writeInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}

/** `AuthenticationOk`, `ReadyForQuery`, and the `ErrorResponse` of a process whose server was killed. */
const WELCOME_AND_END: Buffer = Buffer.concat([
  message('R', Buffer.alloc(4)),
  message('Z', Buffer.from('I')),
  message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0')),
]);

/** The URL of a server that lets clients in and ends in the same moment, closed after the test. */
export async function endingServer(): Promise<string> {
  const server = createServer((client) => {
    client.on('error', () => undefined).once('data', () => client.end(WELCOME_AND_END));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return `postgres://ann@127.0.0.1:${(server.address() as AddressInfo).port}/app`;
}
