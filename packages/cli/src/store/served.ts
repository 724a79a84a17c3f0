import { stat } from 'node:fs/promises';
import { isServed } from '@securestore/backend-api';
import { SecureStoreError, shellPath } from '@securestore/core-format';
import type { CallOptions, RemoteStore, SecureStore, TrailEntry } from 'securestore';
import type { Call } from '../call/call.ts';
import type { OwnHint } from '../errors/hints.ts';
import { refusal, refuse, withHints } from '../errors/refuse.ts';
import { credentialFile, nonEmpty, optionSecrets, readSecretFile } from '../secret/secret.ts';
import { warnIfShared } from '../secret/shared-file.ts';
import { tlsOf, tlsOptionOf } from './tls-files.ts';

/** @throws `INVALID_ARGUMENT` where a token or a certificate is given with a store that is unlocked here, where it would bind nobody */
export function checkNoToken({ cli, options, verb }: Call): void {
  // The certificate of `serve` is that of the server.
  const variable = cli.env['SECURESTORE_TOKEN'] && '$SECURESTORE_TOKEN';
  const given =
    options.token === undefined ? ((verb === 'serve' ? undefined : tlsOptionOf(options)) ?? variable) : '--token';
  if (given === undefined || given === '') return;
  refuse(`${given} restricts nothing for a store that is unlocked here: it is for remote stores`, {
    text: given.startsWith('$') ? `unset ${given}` : `leave out ${given}`,
  });
}

/** What may be sent as one: anything else would be refused as what it is, and not by whom it proves. */
const TOKEN = /^[\x21-\x7e]+$/;

/** A token, and what it comes from; `undefined` where there is none. */
async function givenToken(call: Call): Promise<readonly [token: string, from: string] | undefined> {
  const { cli, options } = call;
  if (options.token !== undefined) return [options.token, '--token'];
  const variable = nonEmpty(cli.env, 'SECURESTORE_TOKEN');
  if (variable !== undefined) return [variable, '$SECURESTORE_TOKEN'];
  const file = await credentialFile(cli.env, 'securestore-token');
  if (file !== undefined) await warnIfShared(call, file, 'token');
  return file === undefined
    ? undefined
    : [Buffer.from(await readSecretFile(file, 'token')).toString('utf8'), `the file "${file}"`];
}

/** What {@link openServed} takes from the environment to prove who asks, as it is written; `undefined` if it takes nothing from there. */
export async function environmentCredential({ cli, options }: Call): Promise<string | undefined> {
  if (options.tlsKey === undefined && nonEmpty(cli.env, 'SECURESTORE_TLS_KEY') !== undefined)
    return '$SECURESTORE_TLS_KEY';
  if (options.token !== undefined) return undefined;
  if (nonEmpty(cli.env, 'SECURESTORE_TOKEN') !== undefined) return '$SECURESTORE_TOKEN';
  return (await credentialFile(cli.env, 'securestore-token')) === undefined ? undefined : '$CREDENTIALS_DIRECTORY';
}

/** How to say who asks. */
const PROVE = { advice: [{ id: 'give-credentials' }] } as const;

/** A token and its source, or neither. */
type GivenToken = readonly [token?: string | undefined, from?: string | undefined];

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true;
}

/** The name of a file was given as the token: other options for secrets take one. */
function fileAsToken(path: string, from: string): SecureStoreError {
  return refusal('INVALID_ARGUMENT', `${from} must be the token itself, and is the name of a file`, {
    hints: [
      {
        text: 'to give the token that the file holds',
        command: `export SECURESTORE_TOKEN="$(cat ${shellPath(path)})"`,
      },
    ],
  });
}

/** @param otherwise whether something else may say who asks, so that there need be no token */
async function tokenOf(call: Call, otherwise: boolean): Promise<GivenToken> {
  const [secret] = optionSecrets(call);
  if (secret !== undefined)
    throw refusal(
      'INVALID_ARGUMENT',
      `${secret[0]} cannot unlock a remote store: its server has the unlock secret`,
      PROVE,
    );
  const [token, from] = (await givenToken(call)) ?? [];
  if (token !== undefined && from !== undefined && (await isFile(token))) throw fileAsToken(token, from);
  if (token !== undefined && !TOKEN.test(token)) {
    refuse(`${from} must hold a token: printable ASCII characters without spaces`);
  }
  if (token !== undefined || otherwise) return [token, from];
  throw refusal('INVALID_ARGUMENT', 'a remote store needs a token or a client certificate', PROVE);
}

/**
 * @param what a command, with as much of its operands and options as it takes to tell
 * @param why what follows it, such as a colon and the reason
 * @throws `UNSUPPORTED`
 */
export function notServed(what: string, why = '', ...instead: readonly OwnHint[]): never {
  throw refusal('UNSUPPORTED', `securestore ${what} does not work on a remote store${why}`, {
    hints: [...instead, { text: 'run it where the store is unlocked, with its URL as --store URL' }],
  });
}

/** @throws SecureStoreError `UNSUPPORTED` */
export function slotNotServed(): never {
  return notServed('slot add', ': only a new passphrase and --recipient do', {
    text: 'give --new-passphrase-file FILE, --new-passphrase-command COMMAND or --recipient RECIPIENT',
  });
}

/** What of a store that is served is missing, or has members that are: using these says so, by the name of the command. */
function partOf(part: object, verb: string): unknown {
  return new Proxy(part, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof name === 'symbol' || name === 'then' || name in target) return value;
      return notServed(verb, ' in this form');
    },
  });
}

type TailOptions = NonNullable<Parameters<SecureStore['audit']['tail']>[0]>;

/** Of what is damaged a server tells by failing: nobody can be told of it apart. */
function tailOf({ audit }: RemoteStore, options: TailOptions): AsyncGenerator<TrailEntry> {
  const { entries, object, follow, signal, onCut } = options;
  return audit.tail({ entries, object, follow, signal, onCut });
}

/** All requests for approval, or those that concern whoever asks. */
function requestsOf({ access, approvals }: RemoteStore): RemoteStore['access']['requests'] {
  return async (options) => (await ifAllowed(access.requests(options))) ?? (await approvals.list(options));
}

type NewSlot = Parameters<SecureStore['slots']['add']>[0];

/**
 * A secret as it can be sent: files of keys are read where they are, and what is printed must not pass through a server.
 *
 * @throws `UNSUPPORTED`
 */
async function sentSecret(slot: NewSlot): Promise<NewSlot> {
  if (typeof slot !== 'object' || !('type' in slot)) return slot;
  if (slot.type !== 'passphrase') {
    return slotNotServed();
  }
  const bytes = await slot.secret();
  try {
    // Other bytes would become another passphrase.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('the new passphrase must be UTF-8 to be sent to a server');
  } finally {
    bytes.fill(0);
  }
}

/** A store that is served, in the place of one that is here. */
function inPlaceOf(remote: RemoteStore, verb: string): SecureStore {
  const { approvals } = remote;
  const decisions: Pick<SecureStore['access'], 'approve' | 'deny'> = {
    approve: (id, options) => approvals.approve(id, options),
    deny: (id, options) => approvals.deny(id, options),
  };
  const overlaid: Readonly<Record<string, unknown>> = {
    // Who decides about requests is whoever asks, and not the owner of the store.
    access: partOf({ ...remote.access, ...decisions, requests: requestsOf(remote) }, verb),
    slots: partOf(
      {
        ...remote.slots,
        add: async (slot: NewSlot, options?: CallOptions) => remote.slots.add(await sentSecret(slot), options),
      },
      verb,
    ),
    audit: partOf({ ...remote.audit, tail: (options: TailOptions) => tailOf(remote, options) }, verb),
  };
  return new Proxy(remote, {
    get(target, name) {
      if (typeof name === 'string' && Object.hasOwn(overlaid, name)) return overlaid[name];
      const value: unknown = Reflect.get(target, name, target);
      // Not a bound one, which the engine does not take for `await using`.
      if (typeof value === 'function') {
        const call = (...args: readonly unknown[]): unknown => Reflect.apply(value, target, args);
        // `keys` is a call with calls of its own.
        return typeof name === 'symbol' ? call : partOf(Object.assign(call, value), verb);
      }
      if (typeof value === 'object' && value !== null && typeof name === 'string') return partOf(value, verb);
      return value !== undefined || typeof name === 'symbol' || name === 'then'
        ? value
        : notServed(verb, ' in this form');
    },
  }) as unknown as SecureStore;
}

/**
 * Opens a store that is served elsewhere, as whom the token or the certificate says.
 *
 * @throws `INVALID_ARGUMENT`; what `openRemoteStore` throws
 */
export async function openServed(call: Call, url: string): Promise<SecureStore> {
  const tls = await tlsOf(call);
  const [token, from] = await tokenOf(call, tls?.cert !== undefined);
  const { openRemoteStore } = await import('@securestore/client');
  const { fingerprint } = call.options;
  const opening = openRemoteStore(url, { credentials: { token }, tls, fingerprint, signal: call.cli.signal });
  const remote = await opening.catch((error: unknown) => {
    throw refusedToken(from, error);
  });
  return inPlaceOf(remote, call.verb);
}

/** An error of a remote store; if it refused a token, with the source of that. */
function refusedToken(from: string | undefined, error: unknown): unknown {
  if (from === undefined || !SecureStoreError.is(error, 'UNAUTHENTICATED')) return error;
  // The advice to give a token would be for a caller who has given none.
  const refused = SecureStoreError.from(error, { advice: [] });
  return withHints(refused, {
    text: `the token of ${from} was refused; ask an administrator of the store for a new one`,
  });
}

/** Uses a remote store. A server may refuse a token only then: it was revoked since the server saw it. */
export async function whileServed<T>(call: Call, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    const [, from] = SecureStoreError.is(error, 'UNAUTHENTICATED') ? ((await givenToken(call)) ?? []) : [];
    throw refusedToken(from, error);
  }
}

/** Whether a store is one that {@link openServed} has opened. */
export function isRemote({ url }: Pick<SecureStore, 'url'>): boolean {
  return isServed(url);
}

/** What is said beside an invitation that was made over a server. */
export const TELL_WHERE =
  'The invitation has no store URL, since a server does not report that of its store. Send the store URL too: an identity unlocks no store over a server';

/** Where a store lies, for an invitation to open it there; `undefined` where that is not known here. */
export function placeOf(store: Pick<SecureStore, 'url'>): string | undefined {
  return isRemote(store) ? undefined : store.url;
}

/** What is known to whoever may ask for it; to others it is not told, where it is beside what they have asked for. */
export async function ifAllowed<T>(asking: Promise<T>): Promise<T | undefined> {
  return asking.catch((error: unknown) => {
    if (SecureStoreError.is(error, 'ACCESS_DENIED')) return undefined;
    throw error;
  });
}
