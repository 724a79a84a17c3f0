import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import { RedisBackend } from '../../src/index.ts';
import { type Proxy, proxyTo } from '../../../../tools/services/src/proxy/proxy.ts';

/** A place on a server that nothing was ever stored at. */
export function freshUrl(url: string): string {
  return `${url}?prefix=test:${randomUUID()}`;
}

/** An initialised backend, closed after the test. */
export async function openAt(url: string, options: Record<string, unknown> = {}): Promise<RedisBackend> {
  const backend = new RedisBackend();
  await backend.init({ url, options });
  onTestFinished(async () => backend.close());
  return backend;
}

/** A client of the test's own, closed after it. */
export function clientOf(url: string): Redis {
  const client = plainClient(url);
  onTestFinished(() => client.disconnect());
  return client;
}

/** A client that the caller disconnects. */
export function plainClient(url: string): Redis {
  const client = new Redis(url);
  client.on('error', () => undefined);
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
