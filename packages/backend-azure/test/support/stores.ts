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
if (url.includes('devstoreaccount1')) process.env['AZURE_STORAGE_KEY'] ||= EMULATOR_KEY;

/** A place in the container of `location` that nothing was ever stored at. */
export function freshLocation(location: string = url): string {
  return location.replace(/^(azblob:\/\/[^/?]*)[^?]*/, `$1/test/${randomUUID()}`);
}

/** `location` on another endpoint. */
export function withEndpoint(location: string, endpoint: string): string {
  return location.replace(/endpoint=[^&]*/, `endpoint=${encodeURIComponent(endpoint)}`);
}

export function endpointOf(location: string): string {
  return new URLSearchParams(location.replace(/^[^?]*/, '')).get('endpoint') ?? '';
}

/** A client of the test's own for the service of a location, with the credentials of the environment. */
export async function serviceOf(location: string = url): Promise<BlobServiceClient> {
  const access = await resolveAccess(parseTarget(location), parseSettings({}));
  return new BlobServiceClient(access.url, access.credential);
}

/** A client for the container of a location, which is made where it isn't there. */
export async function containerOf(location: string = url): Promise<ContainerClient> {
  const container = (await serviceOf(location)).getContainerClient(parseTarget(location).container);
  if (!(await container.exists())) await container.createIfNotExists();
  return container;
}

if (NO_SERVER === undefined) await containerOf();

/** An initialised backend, closed after the test. */
export async function openAt(location: string, options: Record<string, unknown> = {}): Promise<AzureBackend> {
  const backend = new AzureBackend();
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

export async function textOf(backend: AzureBackend, key: string): Promise<string> {
  return Buffer.from((await backend.read(key))?.body ?? []).toString();
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
