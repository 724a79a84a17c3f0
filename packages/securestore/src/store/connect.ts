import { once } from 'node:events';
import type { BackendConfig, Meter, StorageBackend } from '@securestore/backend-api';
import { assertStorable, composeLayers, parseStoreUrl, redactStoreUrl, resolveBackend } from '@securestore/backend-api';
import type { Connect } from '@securestore/backup';
import { SecureStoreError } from '@securestore/core-format';
import type { Logger, MigrationTargets } from '@securestore/objects';
import { loadConfig, type StoreConfig } from '../options/config.ts';
import { anchorName } from '../files/file-anchor.ts';
import { networkLayers } from './network-layers.ts';
import type { BackendOptions, OpenOptions } from '../options/options.ts';

/** The options of the backend of a store URL. */
type ConnectOptions = BackendOptions & { readonly logger?: Logger | undefined };

// Imported when their scheme is used, so that no backend is loaded needlessly.
const BUILT_IN = {
  memory: () => import('@securestore/backend-memory'),
  file: () => import('@securestore/backend-fs'),
  sqlite: () => import('@securestore/backend-sqlite'),
} as const;

/** The caller's own backend stays open after the store. */
function lent(backend: StorageBackend): StorageBackend {
  return new Proxy(backend, {
    get(target, property) {
      if (property === 'close') return async (): Promise<void> => undefined;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** The configuration, or what replaces it. */
export async function settingsFor({
  resolveFrom,
  discovery,
}: Pick<BackendOptions, 'resolveFrom' | 'discovery'>): Promise<StoreConfig> {
  return discovery === undefined ? loadConfig(resolveFrom ?? '.') : discovery.config();
}

async function find(url: string, options: ConnectOptions, meter: Meter | undefined): Promise<StorageBackend> {
  const { backend, backends, resolveFrom, discovery } = options;
  const { scheme } = parseStoreUrl(url);
  const configured = backend === undefined ? (await settingsFor(options)).backends : undefined;
  const map = { ...configured, ...backends };
  // A caller who gives a folder wants no other.
  const besides = resolveFrom === undefined ? import.meta.dirname : undefined;
  const { before, approve } = discovery ?? {};
  const search = { backend, backends: map, resolveFrom, besides, before, approve, builtIn: BUILT_IN };
  const found = await resolveBackend(url, search);
  const local = backend !== undefined || (Object.hasOwn(BUILT_IN, scheme) && !Object.hasOwn(map, scheme));
  const layers = local ? [] : networkLayers(meter && { onRetry: meter.onRetry });
  return composeLayers(found, meter === undefined ? layers : [...layers, meter.layer]);
}

/** A backend that never gets ready must not block its caller beyond the timeout. */
async function initialise(
  backend: StorageBackend,
  config: BackendConfig,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (signal === undefined) return backend.init(config);
  const done = new AbortController();
  const aborted = signal.aborted ? Promise.resolve() : once(signal, 'abort', { signal: done.signal });
  aborted.catch(() => undefined);
  try {
    const first = await Promise.race([aborted.then(() => 'aborted'), backend.init(config)]);
    if (first !== 'aborted') return;
  } finally {
    done.abort();
  }
  const timedOut = (signal.reason as { name?: unknown } | undefined)?.name === 'TimeoutError';
  const message = `the backend ${backend.name} ${timedOut ? 'was not ready in time' : 'was aborted before it was ready'}`;
  throw new SecureStoreError(timedOut ? 'TIMEOUT' : 'ABORTED', message, {
    cause: signal.reason,
    ...(timedOut && { advice: [{ id: 'try-again' }] }),
  });
}

/** The initialised backend of a store URL, for a store. @param meter counts its calls */
export async function connect(
  url: string,
  options: ConnectOptions,
  signal: AbortSignal | undefined,
  meter?: Meter,
): Promise<StorageBackend> {
  const { backend: own, backendOptions, client, logger } = options;
  const resolved = await find(url, options, meter);
  const config = { url, options: backendOptions ?? {}, logger };
  try {
    await initialise(resolved, client === undefined ? config : { ...config, client }, signal);
    assertStorable(resolved.capabilities, resolved.name);
  } catch (error) {
    if (own === undefined) await resolved.close().catch(() => undefined);
    throw error;
  }
  return own === undefined ? resolved : lent(resolved);
}

/** The name of a store URL: absolute, and without credentials. */
export function nameOfUrl(url: string): string {
  return redactStoreUrl(anchorName(url));
}

/** Connects to the destinations of a store. */
export function backupConnect(
  options: Pick<ConnectOptions, 'backends' | 'resolveFrom' | 'discovery' | 'logger'>,
  destinations: Readonly<Record<string, BackendOptions>> = {},
): Connect {
  return {
    nameOf(url) {
      parseStoreUrl(url);
      return nameOfUrl(url);
    },
    async connect(url, signal) {
      const { backends, resolveFrom, discovery, logger } = options;
      discovery?.reach?.(url);
      const own = destinations[url] ?? destinations[nameOfUrl(url)] ?? {};
      const backend = await connect(url, { backends, resolveFrom, discovery, logger, ...own }, signal);
      return { backend, url: nameOfUrl(url), close: () => backend.close() };
    },
  };
}

/** Connects to the store URLs that a store moves to: only to those that were given, and as they were given. @param meter counts calls there */
export function followConnect(
  {
    migrationTargets,
    destinations,
    ...options
  }: ConnectOptions & Pick<OpenOptions, 'migrationTargets' | 'destinations'>,
  meter: Meter,
): MigrationTargets | undefined {
  if (migrationTargets === undefined || migrationTargets.length === 0) return undefined;
  const given = new Map(migrationTargets.map((url) => [nameOfUrl(url), url]));
  return {
    urls: [...given.keys()],
    async connect(name, signal) {
      const url = given.get(name) ?? name;
      const { backends, resolveFrom, discovery, logger } = options;
      const own = destinations?.[url] ?? destinations?.[name] ?? {};
      const backend = await connect(url, { backends, resolveFrom, discovery, logger, ...own }, signal, meter);
      return { backend, url: name };
    },
  };
}
