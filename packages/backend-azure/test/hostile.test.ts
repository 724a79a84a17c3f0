import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { AzureBackend } from '../src/index.ts';

const GIGABYTE = 1_000_000_000;

test('a part that is said to be longer than the whole body is not waited for, and no room is made for it', async () => {
  const server = createServer((request, response) => {
    const now = new Date().toUTCString();
    if (request.url?.includes('comp=list') === true) {
      response.writeHead(200, { 'content-type': 'application/xml' });
      response.end('<?xml version="1.0"?><EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>');
      return;
    }
    if (request.method !== 'GET' || request.url?.includes('/o/') !== true) {
      response.writeHead(200, { date: now, 'x-ms-account-kind': 'StorageV2', 'x-ms-sku-name': 'Standard_LRS' }).end();
      return;
    }
    const length = { 'content-length': String(3 * GIGABYTE), 'content-range': 'bytes 0-9/10' };
    response.writeHead(206, { ...length, etag: '"0x1"', date: now, 'last-modified': now }).write(new Uint8Array(10));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const backend = new AzureBackend();
  onTestFinished(async () => {
    await backend.close();
    server.closeAllConnections();
    server.close();
  });
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=account;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:${port}/account`;
  await backend.init({ url: 'azblob://container/store', options: { connectionString } });
  const before = process.memoryUsage().arrayBuffers;
  const failure = await backend.read('o/a', { start: 0, end: 10 }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'UNAVAILABLE', key: 'o/a' });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(GIGABYTE);
});
