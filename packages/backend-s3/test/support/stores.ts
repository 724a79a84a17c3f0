import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { StorageBackend } from '@securestore/backend-api';
import { randomUUID } from 'node:crypto';
import { onTestFinished, vi } from 'vitest';
import { type Proxy, proxyTo } from '../../../../tools/services/src/proxy/proxy.ts';
import { S3Backend } from '../../src/index.ts';

/** A place for tests: the store URL of a bucket, and the credentials where it isn't for the SDK to find them. */
export interface Account {
  readonly url: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
}

/** Takes the credentials out of the URL of a server, `s3://id:secret@bucket?…`; a real account's has none. */
export function accountOf(url: string): Account {
  const [, accessKeyId, secretAccessKey, rest] = /^s3:\/\/([^:@/]+):([^@/]+)@(.*)$/.exec(url) ?? [];
  if (accessKeyId === undefined || secretAccessKey === undefined) return { url: url, credentials: undefined };
  return { url: `s3://${rest}`, credentials: { accessKeyId, secretAccessKey } };
}

/** A place in the bucket that nothing was ever stored at. */
export function freshUrl({ url }: Account): string {
  const [bucket = '', query = ''] = url.split('?');
  return `${bucket}/test-${randomUUID()}?${query}`;
}

/** The same bucket through another endpoint. */
export function throughEndpoint(url: string, endpoint: string): string {
  const [bucket = '', query = ''] = url.split('?');
  const parameters = new URLSearchParams(query);
  parameters.set('endpoint', endpoint);
  return `${bucket}?${String(parameters)}`;
}

export function endpointOf(url: string): string | undefined {
  return new URLSearchParams(url.split('?')[1]).get('endpoint') ?? undefined;
}

/** An initialised backend, closed after the test. */
export async function openAt(
  { credentials }: Account,
  url: string,
  options: Record<string, unknown> = {},
): Promise<S3Backend> {
  const backend = new S3Backend();
  await backend.init({ url, options: { ...credentials, ...options } });
  onTestFinished(async () => backend.close());
  return backend;
}

/** A proxy in front of the service of a store URL, closed after the test; its `url` is the store URL through it. */
export async function proxied(url: string, below?: (bound: number) => number): Promise<Proxy> {
  const proxy = await proxyTo(endpointOf(url) ?? '', below);
  onTestFinished(async () => proxy.close());
  return { ...proxy, url: throughEndpoint(url, proxy.url) };
}

/** A client of the test's own, destroyed after it. */
export function clientOf({ url, credentials }: Account): S3Client {
  const endpoint = endpointOf(url);
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true, region: 'us-east-1' }),
    ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
  });
  onTestFinished(() => client.destroy());
  return client;
}

/** Makes the bucket of an account where it isn't there. */
export async function makeBucket(account: Account): Promise<void> {
  const { url, credentials } = account;
  const endpoint = endpointOf(url) ?? '';
  const client = new S3Client({
    endpoint,
    forcePathStyle: true,
    region: 'us-east-1',
    ...(credentials && { credentials: { ...credentials } }),
  });
  // One that is there already, and one's own, is no error there.
  await client.send(new CreateBucketCommand({ Bucket: bucketOf(account) }));
  client.destroy();
}

export function bucketOf({ url }: Account): string {
  return /^s3:\/\/([^/?]+)/.exec(url)?.[1] ?? '';
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What comes before the keys of a store in a bucket. */
export function prefixOf(url: string): string {
  return `${/^s3:\/\/[^/?]+\/([^?]*)/.exec(url)?.[1] ?? ''}/`;
}

/** The text of a body that must be there. */
export async function textOf(backend: StorageBackend, key: string): Promise<string> {
  const found = await backend.read(key);
  if (found === undefined) throw new Error(`${key} is not there`);
  return new TextDecoder().decode(found.body);
}

/** Lets the SDK, also of processes that are started, find the credentials where it looks. */
export function stubCredentials({ credentials }: Account): void {
  if (credentials === undefined) return;
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  onTestFinished(() => void vi.unstubAllEnvs());
}
