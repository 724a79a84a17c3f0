import { randomUUID } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { type Proxy, proxyTo } from '../../../../tools/services/src/proxy/proxy.ts';
import { GcsBackend } from '../../src/index.ts';
import { parseTarget } from '../../src/connection/location.ts';
import { LONG } from '../../../../tools/campaigns/src/size.ts';

const provided = inject('gcs');
/** The bucket that tests may use. */
export const url: string = 'url' in provided ? provided.url : '';
export const NO_SERVER: string | undefined = 'skip' in provided ? provided.skip : undefined;
/** What the server of a short run does wrong. */
export const LACKING: string | undefined = !LONG && 'lacks' in provided ? provided.lacks : undefined;
/** The reason for which a test that needs a server without faults of its own can't run. */
export const NO_RIGHT_SERVER: string | undefined = NO_SERVER ?? LACKING;
/** The reason for which a test that needs an emulator of its own can't run. */
export const NO_OWN_SERVER: string | undefined =
  NO_SERVER ?? ('own' in provided && !provided.own ? 'SECURESTORE_TEST_GCS_URL is set' : undefined);

/** A place in the bucket of `storeUrl` that nothing was ever stored at. */
export function freshUrl(storeUrl: string = url): string {
  return storeUrl.replace(/^(gs:\/\/[^/?]*)[^?]*/, `$1/test/${randomUUID()}`);
}

/** `url` on another endpoint. */
export function withEndpoint(storeUrl: string, endpoint: string): string {
  return storeUrl.replace(/\?.*|$/, `?endpoint=${encodeURIComponent(endpoint)}`);
}

export function endpointOf(storeUrl: string): string {
  return parseTarget(storeUrl).endpoint ?? 'https://storage.googleapis.com';
}

/** Makes the bucket of a store URL where it lies on an emulator. */
export async function makeBucket(storeUrl: string): Promise<void> {
  const { endpoint, bucket } = parseTarget(storeUrl);
  if (endpoint?.startsWith('http:') !== true) return;
  const headers = { 'content-type': 'application/json' };
  await fetch(`${endpoint}/storage/v1/b?project=test`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ name: bucket }),
  });
}

/** Calls the JSON API of an emulator on the bucket of a store URL. */
export async function callBucket(storeUrl: string, method: string, path: string, body?: string): Promise<Response> {
  const { endpoint = '', bucket } = parseTarget(storeUrl);
  const [folder, init] = body === undefined ? ['', { method }] : ['/upload', { method, body }];
  return fetch(`${endpoint}${folder}/storage/v1/b/${bucket}${path}`, init);
}

if (NO_SERVER === undefined) await makeBucket(url);

/** An initialised backend, closed after the test. */
export async function openAt(storeUrl: string, options: Record<string, unknown> = {}): Promise<GcsBackend> {
  const backend = new GcsBackend();
  await backend.init({ url: storeUrl, options });
  onTestFinished(async () => backend.close());
  return backend;
}

/** A proxy in front of the server of `storeUrl`, closed after the test; its `storeUrl` is the store URL through it. */
export async function proxied(storeUrl: string = url, below?: (bound: number) => number): Promise<Proxy> {
  const proxy = await proxyTo(endpointOf(storeUrl), below);
  onTestFinished(async () => proxy.close());
  return { ...proxy, url: withEndpoint(storeUrl, proxy.url) };
}

export async function textOf(backend: GcsBackend, key: string): Promise<string> {
  return Buffer.from((await backend.read(key))?.body ?? []).toString();
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
