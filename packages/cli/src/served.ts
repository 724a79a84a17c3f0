import { SecureStoreError } from '@securestore/core-format';
import type { RemoteStore, SecureStore } from 'securestore';
import type { Call } from './call.ts';
import { credentialFile, nonEmpty, optionSecrets, readSecretFile } from './secret.ts';

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** Whether a store is served elsewhere. */
export function isServed(location: string): boolean {
  return /^https?:/.test(location);
}

/** @throws `INVALID_ARGUMENT` where a token is given with a store that is unlocked here, where it would bind nobody */
export function checkNoToken({ cli, options }: Call): void {
  const given = options.token === undefined ? cli.env['SECURESTORE_TOKEN'] && '$SECURESTORE_TOKEN' : '--token';
  if (given === undefined || given === '') return;
  refuse(
    `${given} is for a store at https:; whoever unlocks a store may do everything with it, so it would bind nobody`,
  );
}

async function tokenOf({ cli, options }: Call): Promise<string> {
  const [secret] = optionSecrets(options);
  if (secret !== undefined)
    refuse(`${secret[0]} unlocks a store, which the server does; give --token or $SECURESTORE_TOKEN`);
  const given = options.token ?? nonEmpty(cli.env, 'SECURESTORE_TOKEN');
  if (given !== undefined) return given;
  const file = await credentialFile(cli.env, 'securestore-token');
  if (file === undefined)
    return refuse('a store at https: takes a token: set $SECURESTORE_TOKEN, or give --token TOKEN');
  return Buffer.from(await readSecretFile(file, 'token')).toString('utf8');
}

function notServed(path: string): never {
  throw new SecureStoreError(
    'UNSUPPORTED',
    `${path} is not to be had from a server; run this where the store is unlocked`,
  );
}

/** Something that there is of a store and not of one that is served: using it says so. */
function missing(path: string): unknown {
  const use = (): never => notServed(path);
  return new Proxy(use, {
    get: (_, name) => (typeof name === 'symbol' || name === 'then' ? undefined : missing(`${path}.${name}`)),
  });
}

/** A part of a store that is served, such as its audit: what there is not of it says so when it is asked for. */
function partOf(part: object, path: string): unknown {
  return new Proxy(part, {
    get(target, name) {
      if (typeof name === 'symbol' || name === 'then' || name in target) return Reflect.get(target, name, target);
      return notServed(`${path}.${name}`);
    },
  });
}

/** A store that is served, in the place of one that is here. */
function inPlaceOf(remote: RemoteStore): SecureStore {
  return new Proxy(remote, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      // Not a bound one, which the engine does not take for `await using`.
      if (typeof value === 'function') {
        const call = (...args: readonly unknown[]): unknown => Reflect.apply(value, target, args);
        // `keys` is a call with calls of its own.
        return typeof name === 'symbol' ? call : partOf(Object.assign(call, value), name);
      }
      if (typeof value === 'object' && value !== null && typeof name === 'string') return partOf(value, name);
      return value !== undefined || typeof name === 'symbol' || name === 'then' ? value : missing(name);
    },
  }) as unknown as SecureStore;
}

/** Opens a store that is served elsewhere, as whom the token says. @throws what `openRemoteStore` throws */
export async function openServed(call: Call, location: string): Promise<SecureStore> {
  const token = await tokenOf(call);
  const { openRemoteStore } = await import('@securestore/client');
  const { fingerprint } = call.options;
  return inPlaceOf(await openRemoteStore(location, { credentials: { token }, fingerprint, signal: call.cli.signal }));
}
