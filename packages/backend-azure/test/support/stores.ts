import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { randomUUID } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { type Proxy, proxyTo } from '../../../../tools/services/src/proxy/proxy.ts';
import { EMULATOR_KEY } from '../../../../tools/services/src/servers/azure.ts';
import { AzureBackend } from '../../src/index.ts';
import { resolveAccess } from '../../src/connection/access.ts';
import { parseTarget } from '../../src/connection/location.ts';
import { parseSettings } from '../../src/connection/settings.ts';

const provided = inject('azure');
/** The container that tests may use. */
export const url: string = 'url' in provided ? provided.url : '';
export const NO_SERVER: string | undefined = 'skip' in provided ? provided.skip : undefined;
/** The reason for which a server can't be started by a test itself. */
export const NO_OWN_SERVER: string | undefined =
  NO_SERVER ?? ('own' in provided && !provided.own ? 'SECURESTORE_TEST_AZURE_URL is set' : undefined);

// Processes that a test starts find it there, as they would find the key of a real account.
if (url.includes('devstoreaccount1')) process.env['AZURE_STORAGE_KEY'] = EMULATOR_KEY;

/** A place in the container of `storeUrl` that nothing was ever stored at. */
export function freshUrl(storeUrl: string = url): string {
  return storeUrl.replace(/^(azblob:\/\/[^/?]*)[^?]*/, `$1/test/${randomUUID()}`);
}

/** `url` on another endpoint. */
export function withEndpoint(storeUrl: string, endpoint: string): string {
  return storeUrl.replace(/endpoint=[^&]*/, `endpoint=${encodeURIComponent(endpoint)}`);
}

export function endpointOf(storeUrl: string): string {
  return new URLSearchParams(storeUrl.replace(/^[^?]*/, '')).get('endpoint') ?? '';
}

/** A client of the test's own for the service of a store URL, with the credentials of the environment. */
export async function serviceOf(storeUrl: string = url): Promise<BlobServiceClient> {
  const access = await resolveAccess(parseTarget(storeUrl), parseSettings({}));
  return new BlobServiceClient(access.url, access.credential);
}

/** A client for the container of a store URL, which is made where it isn't there. */
export async function containerOf(storeUrl: string = url): Promise<ContainerClient> {
  const container = (await serviceOf(storeUrl)).getContainerClient(parseTarget(storeUrl).container);
  if (!(await container.exists())) await container.createIfNotExists();
  return container;
}

if (NO_SERVER === undefined) await containerOf();

/** An initialised backend, closed after the test. */
export async function openAt(storeUrl: string, options: Record<string, unknown> = {}): Promise<AzureBackend> {
  const backend = new AzureBackend();
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

export async function textOf(backend: AzureBackend, key: string): Promise<string> {
  return Buffer.from((await backend.read(key))?.body ?? []).toString();
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
