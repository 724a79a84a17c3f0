import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** A way to a server on which an answer ends after so many bytes, closed after the test; resolves to its port. */
export async function tornAfter(endpoint: string, bytes: () => number): Promise<number> {
  const { hostname, port } = new URL(endpoint);
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let left = bytes();
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      if (left <= 0) return;
      client.write(chunk.subarray(0, left));
      left -= chunk.byteLength;
      if (left <= 0) client.destroySoon();
    });
    client.on('error', () => undefined).on('close', () => upstream.destroy());
    upstream.on('error', () => undefined).on('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
