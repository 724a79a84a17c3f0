import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { S3Backend } from '../src/index.ts';

const GIGABYTE = 1_000_000_000;

test('a part that is said to be longer than the whole body is not waited for, and no room is made for it', async () => {
  let probes = 0;
  const server = createServer((request, response) => {
    const now = new Date().toUTCString();
    // The first of the probes of conditions alone is granted.
    if (request.method === 'PUT') response.writeHead(probes++ === 0 ? 200 : 412, { etag: '"1"' }).end();
    else if (request.method === 'DELETE') response.writeHead(204).end();
    else if (request.url?.includes('list-type') === true) {
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
    } else {
      const length = { 'content-length': String(3 * GIGABYTE), 'content-range': 'bytes 0-9/10' };
      response.writeHead(206, { ...length, etag: '"1"', date: now, 'last-modified': now }).write(new Uint8Array(10));
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const backend = new S3Backend();
  onTestFinished(async () => {
    await backend.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `s3://bucket/store?endpoint=http://127.0.0.1:${port}`;
  await backend.init({ url, options: { accessKeyId: 'id', secretAccessKey: 'key' } });
  const before = process.memoryUsage().arrayBuffers;
  const failure = await backend.read('o/a', { start: 0, end: 10 }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'UNAVAILABLE', key: 'o/a' });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(GIGABYTE);
});
