import type { Layer, StorageBackend } from '@securestore/backend-api';
import {
  assertStorable,
  composeLayers,
  limitLayer,
  parseLocation,
  redactLocation,
  resolveBackend,
  retryLayer,
  timeoutLayer,
} from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Anchor, ObjectStore, StoreContext } from '@securestore/objects';
import { createObjectStore, openObjectStore, openOrCreateObjectStore } from '@securestore/objects';
import { loadConfig } from './config.ts';
import { anchorName, fileAnchor } from './file-anchor.ts';
import type { CreateOptions, OpenOptions } from './options.ts';

/** An open store. */
export type SecureStore = ObjectStore;

// Imported when their scheme is used, so that nobody loads a backend for nothing.
const BUILT_IN = {
  memory: () => import('@securestore/backend-memory'),
  file: () => import('@securestore/backend-fs'),
  sqlite: () => import('@securestore/backend-sqlite'),
} as const;

const CREATE_OPTIONS = [
  'unlock',
  'anchor',
  'logger',
  'clock',
  'signal',
  'timeout',
  'backend',
  'backends',
  'backendOptions',
  'client',
  'resolveFrom',
  'categories',
  'history',
  'names',
] as const;
const OPEN_OPTIONS = [...CREATE_OPTIONS, 'create', 'fingerprint', 'acceptHead'] as const;

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

function checkOptions(options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    invalid('options are needed: at least { unlock: passphrase(...) }');
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) invalid(`unknown option "${unknown}". Known here: ${known.toSorted().join(', ')}`);
  const { unlock, timeout } = options as Partial<OpenOptions>;
  if (typeof unlock?.secret !== 'function')
    invalid('the option "unlock" must be passphrase(...), keyFile(...) or rawKey(...)');
  if (timeout !== undefined && !(typeof timeout === 'number' && timeout > 0)) {
    invalid('the option "timeout" must be a number of milliseconds over 0');
  }
}

/** The caller's own backend goes on living after the store. */
function lent(backend: StorageBackend): StorageBackend {
  return new Proxy(backend, {
    get(target, property) {
      if (property === 'close') return async (): Promise<void> => undefined;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** For backends that are reached over a network. `file:`, `sqlite:` and `memory:` have nothing to gain by waiting. */
const NETWORK_LAYERS: readonly Layer[] = [timeoutLayer({ milliseconds: 60_000 }), limitLayer(64), retryLayer()];

async function find(location: string, options: OpenOptions): Promise<StorageBackend> {
  const { backend, backends, resolveFrom } = options;
  const { scheme } = parseLocation(location);
  const configured = backend === undefined ? (await loadConfig(resolveFrom ?? '.')).backends : undefined;
  const map = { ...configured, ...backends };
  const found = await resolveBackend(location, { backend, backends: map, resolveFrom, builtIn: BUILT_IN });
  const local = backend !== undefined || (Object.hasOwn(BUILT_IN, scheme) && !Object.hasOwn(map, scheme));
  return local ? found : composeLayers(found, NETWORK_LAYERS);
}

async function connect(location: string, options: OpenOptions): Promise<StorageBackend> {
  const { backend: own, backendOptions, client } = options;
  const resolved = await find(location, options);
  const config = { location, options: backendOptions ?? {} };
  try {
    await resolved.init(client === undefined ? config : { ...config, client });
    assertStorable(resolved.capabilities, resolved.name);
  } catch (error) {
    if (own === undefined) await resolved.close().catch(() => undefined);
    throw error;
  }
  return own === undefined ? resolved : lent(resolved);
}

function anchorFor(option: OpenOptions['anchor'], location: string): Anchor | undefined {
  if (typeof option === 'object') return option;
  // What dies with the process or the backend object can't be rolled back behind its back.
  return option === true && parseLocation(location).scheme !== 'memory' ? fileAnchor() : undefined;
}

function deadline({ signal, timeout }: OpenOptions): AbortSignal | undefined {
  if (timeout === undefined) return signal;
  const ends = AbortSignal.timeout(timeout);
  return signal === undefined ? ends : AbortSignal.any([signal, ends]);
}

async function contextFor(
  location: string,
  options: OpenOptions,
): Promise<StoreContext & { readonly anchor: Anchor | undefined }> {
  return {
    backend: await connect(location, options),
    location: redactLocation(anchorName(location)),
    anchor: anchorFor(options.anchor, location),
    logger: options.logger,
    clock: options.clock,
    signal: deadline(options),
  };
}

/**
 * Makes a new store and opens it.
 *
 * @param location `scheme:rest`, such as `sqlite:./vault.db` or `file:/srv/vault`
 * @throws SecureStoreError `ALREADY_EXISTS` where a store is, leaving it untouched; `INVALID_ARGUMENT`;
 *   `BACKEND_NOT_INSTALLED`; what the backend throws where it can't be reached
 */
export async function createStore(location: string, options: CreateOptions): Promise<SecureStore> {
  checkOptions(options, CREATE_OPTIONS);
  return createObjectStore({ ...options, ...(await contextFor(location, options)) });
}

/**
 * Opens the store at a location.
 *
 * @param location `scheme:rest`, such as `sqlite:./vault.db` or `file:/srv/vault`
 * @throws SecureStoreError `NOT_FOUND` where none is and `create` isn't set; `UNLOCK_FAILED` on a wrong secret;
 *   `INTEGRITY` where it is damaged or not the pinned one; `ROLLBACK` where the anchor remembers a newer one; `LOCKED`;
 *   `INVALID_ARGUMENT`; `BACKEND_NOT_INSTALLED`; what the backend throws where it can't be reached
 */
export async function openStore(location: string, options: OpenOptions): Promise<SecureStore> {
  checkOptions(options, OPEN_OPTIONS);
  const settings = { ...options, ...(await contextFor(location, options)) };
  return options.create === true ? openOrCreateObjectStore(settings) : openObjectStore(settings);
}
