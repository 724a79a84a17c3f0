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

/** A place in the bucket of `location` that nothing was ever stored at. */
export function freshLocation(location: string = url): string {
  return location.replace(/^(gs:\/\/[^/?]*)[^?]*/, `$1/test/${randomUUID()}`);
}

/** `location` on another endpoint. */
export function withEndpoint(location: string, endpoint: string): string {
  return location.replace(/\?.*|$/, `?endpoint=${encodeURIComponent(endpoint)}`);
}

export function endpointOf(location: string): string {
  return parseTarget(location).endpoint ?? 'https://storage.googleapis.com';
}

/** Makes the bucket of a location where it lies on an emulator. */
export async function makeBucket(location: string): Promise<void> {
  const { endpoint, bucket } = parseTarget(location);
  if (endpoint?.startsWith('http:') !== true) return;
  const headers = { 'content-type': 'application/json' };
  await fetch(`${endpoint}/storage/v1/b?project=test`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ name: bucket }),
  });
}

/** Calls the JSON API of an emulator on the bucket of a location. */
export async function callBucket(location: string, method: string, path: string, body?: string): Promise<Response> {
  const { endpoint = '', bucket } = parseTarget(location);
  const [folder, init] = body === undefined ? ['', { method }] : ['/upload', { method, body }];
  return fetch(`${endpoint}${folder}/storage/v1/b/${bucket}${path}`, init);
}

if (NO_SERVER === undefined) await makeBucket(url);

/** An initialised backend, closed after the test. */
export async function openAt(location: string, options: Record<string, unknown> = {}): Promise<GcsBackend> {
  const backend = new GcsBackend();
  await backend.init({ location, options });
  onTestFinished(async () => backend.close());
  return backend;
}

/** A proxy in front of the server of `location`, closed after the test; its `url` is the location through it. */
export async function proxied(location: string = url, below?: (bound: number) => number): Promise<Proxy> {
  const proxy = await proxyTo(endpointOf(location), below);
  onTestFinished(async () => proxy.close());
  return { ...proxy, url: withEndpoint(location, proxy.url) };
}

export async function textOf(backend: GcsBackend, key: string): Promise<string> {
  return Buffer.from((await backend.read(key))?.body ?? []).toString();
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
