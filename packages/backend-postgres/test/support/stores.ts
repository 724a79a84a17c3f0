import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { type Proxy, proxyTo } from '../../../../tools/services/src/proxy/proxy.ts';
import { PostgresBackend } from '../../src/index.ts';

/** The name of a table that nobody uses. */
export function freshTable(): string {
  return `test_${randomUUID().replaceAll('-', '')}`;
}

/** A place on a server that nothing was ever stored at. */
export function freshUrl(url: string, table: string = freshTable()): string {
  const storeUrl = new URL(url);
  storeUrl.searchParams.set('table', table);
  return storeUrl.href;
}

/** An initialised backend, closed after the test. */
export async function openAt(url: string, options: Record<string, unknown> = {}): Promise<PostgresBackend> {
  const backend = new PostgresBackend();
  await backend.init({ url, options });
  onTestFinished(async () => backend.close());
  return backend;
}

/** A pool of the test's own, closed after it. */
export function poolOf(url: string, max = 2): pg.Pool {
  const storeUrl = new URL(url);
  storeUrl.search = '';
  const pool = new pg.Pool({ connectionString: storeUrl.href, max });
  pool.on('error', () => undefined);
  onTestFinished(async () => pool.end());
  return pool;
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
