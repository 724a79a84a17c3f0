import { MongoClient } from 'mongodb';
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { type Proxy, proxyTo } from '../../../../tools/services/src/proxy/proxy.ts';
import { MongodbBackend } from '../../src/index.ts';

/** The name of a collection that nobody uses. */
export function freshCollection(): string {
  return `test_${randomUUID().replaceAll('-', '')}`;
}

/** A place on a server that nothing was ever stored at. */
export function freshUrl(url: string, collection: string = freshCollection()): string {
  return `${url}${url.includes('?') ? '&' : '?'}collection=${collection}`;
}

/** An initialised backend, closed after the test. */
export async function openAt(url: string, options: Record<string, unknown> = {}): Promise<MongodbBackend> {
  const backend = new MongodbBackend();
  await backend.init({ url, options });
  onTestFinished(async () => backend.close());
  return backend;
}

/** A client of the test's own, closed after it. */
export function clientOf(url: string): MongoClient {
  const client = new MongoClient(url, { promoteLongs: true });
  onTestFinished(async () => client.close());
  return client;
}

/** A proxy in front of the server of `url`, closed after the test. */
export async function proxied(url: string, below?: (bound: number) => number): Promise<Proxy> {
  const proxy = await proxyTo(url, below);
  onTestFinished(async () => proxy.close());
  return proxy;
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
