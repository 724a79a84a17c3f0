import { isServed, parseStoreUrl } from '@securestore/backend-api';
import { SecureStoreError } from '@securestore/core-format';
import type { Invitation, Logger, OpenOptions, UnlockSecretMethod, SecureStore } from 'securestore';
import type { Call } from '../call/call.ts';
import { configuredStore, discoveryOf } from './discovery.ts';
import type { OwnHint } from '../errors/hints.ts';
import { checkFromFile, isSameLocation } from './location-from-file.ts';
import { whileMistyped } from '../secret/mistyped.ts';
import { refuse, withHints } from '../errors/refuse.ts';
import { type KeptSecret, keepSecret } from '../secret/kept-secret.ts';
import { mistakenOperand } from './mistaken-operand.ts';
import { mistakenVariables } from './mistaken-variables.ts';
import { findSecret, optionSecrets, readSecretFile } from '../secret/secret.ts';
import { checkNoToken, notServed, openServed, whileServed } from './served.ts';
import { warnIfShared } from '../secret/shared-file.ts';
import { oneFingerprint, type Unlocking, unlockWith } from '../secret/unlocking.ts';

/**
 * The store URL that a command works on: its operand where it takes one, `--store`, the invitation, `$SECURESTORE_URL`, or
 * the configuration in the working directory.
 *
 * @throws `INVALID_ARGUMENT` where none is given, two differ, or what is given is no store URL.
 */
export async function storeUrlOf(call: Call, operand?: string): Promise<string> {
  return (await storeOf(call, operand)).url;
}

/** As {@link storeUrlOf}, with what names the store URL. */
async function storeOf(call: Call, operand?: string): Promise<Given> {
  const { store } = call.options;
  if (operand !== undefined && store !== undefined && store !== operand) {
    refuse('the store URL and --store differ', { text: 'give one of them' });
  }
  if (operand !== undefined) return { url: checkedStoreUrl(operand) };
  const given =
    (await givenStoreUrl(call)) ??
    refuse(
      'no store is given',
      ...mistakenVariables(call.cli.env),
      ...mistakenOperand(call),
      { text: 'give --store URL, such as --store sqlite:./vault.db' },
      { text: 'or set $SECURESTORE_URL' },
      {
        text: 'or write { "store": "URL" } into securestore.config.json; then each command needs the secret as an option, such as --key-file FILE',
      },
    );
  if (given.file !== undefined) await checkFromFile(call, given.url, given.file);
  return given;
}

/** A store URL, and the file that names it if it is not the person who runs the command. */
export interface Given {
  readonly url: string;
  readonly file?: string;
}

const OTHER_THAN_INVITED =
  '$SECURESTORE_URL names another store than the invitation, which is used; to use the other, give --store "$SECURESTORE_URL"';

async function givenStoreUrl(call: Call): Promise<Given | undefined> {
  const { cli, options } = call;
  if (options.store !== undefined) return { url: checkedStoreUrl(options.store, '--store') };
  const invited = (await invitationOf(call))?.storeUrl;
  if (invited !== undefined) {
    checkedStoreUrl(invited, 'the store of the invitation');
    const own = cli.env['SECURESTORE_URL'];
    // If the environment names the same one, a person has named it.
    if (own !== undefined && isSameLocation(own, invited)) return { url: invited };
    if (own !== undefined) call.out.warning(OTHER_THAN_INVITED);
    return { url: invited, file: 'the invitation' };
  }
  const variable = cli.env['SECURESTORE_URL'];
  if (variable !== undefined) return { url: checkedStoreUrl(variable, '$SECURESTORE_URL') };
  const url = await configuredStore(call);
  return url === undefined ? undefined : { url, file: 'the configuration in this folder' };
}

/** Whether a person has named a store that is not served; a file in the folder may name that of another person. */
export async function hasOwnStore(call: Call): Promise<boolean> {
  const given = await givenStoreUrl(call);
  return given !== undefined && given.file === undefined && !isServed(given.url);
}

/** Whether a call that needs no store, since a secret of it does, is for a server all the same: it has one as its store, and no secret. */
export async function isForServer(call: Call): Promise<boolean> {
  if (optionSecrets(call).length > 0) return false;
  const given = await givenStoreUrl(call);
  return given !== undefined && isServed(given.url);
}

/** The invitation that was given, if one was. @throws `INVALID_ARGUMENT` where it is none */
export async function invitationOf(call: Call): Promise<Invitation | undefined> {
  const { invitationFile } = call.options;
  if (invitationFile === undefined) return undefined;
  await warnIfShared(call, invitationFile, 'invitation');
  const { parseInvitation } = await import('securestore');
  const text = await readSecretFile(invitationFile, 'invitation');
  try {
    return parseInvitation(text);
  } catch (error) {
    if (!SecureStoreError.is(error)) throw error;
    throw SecureStoreError.from(error, { message: `"${invitationFile}": ${error.message}` });
  }
}

/** `url`, or an error that says which setting is none. */
function checkedStoreUrl(url: string, setting?: string): string {
  parseStoreUrl(url, setting);
  return url;
}

/** Says the library's warnings on stderr; what it logs below that is for programs. */
export function loggerFor({ out }: Call): Logger {
  const say = (_fields: object, message: string): void => out.warning(message);
  return { debug: () => {}, info: () => {}, warn: say, error: say };
}

/**
 * Opens the store of a call, uses it and closes it.
 *
 * @param operand the store URL, for a command that takes one
 * @param more what a command says of what the library logs, by default its warnings
 * @throws whatever `openStore` throws: `NOT_FOUND`, `UNLOCK_FAILED`, `ROLLBACK` and so on.
 */
export async function withStore<T>(
  call: Call,
  use: (store: SecureStore) => Promise<T>,
  operand?: string,
  more: Pick<OpenOptions, 'logger'> = {},
): Promise<T> {
  const given = await storeOf(call, operand);
  await using store = await openAt(call, given, more);
  return await (isServed(given.url) ? whileServed(call, () => use(store)) : use(store));
}

/**
 * As {@link withStore}; opening the store, once there is a secret, takes no longer than so many milliseconds.
 *
 * @throws as {@link withStore}; `TIMEOUT`
 */
export async function withStoreWithin<T>(
  call: Call,
  milliseconds: number,
  use: (store: SecureStore) => Promise<T>,
): Promise<T> {
  const given = await storeOf(call);
  if (isServed(given.url)) {
    await using store = await openServed(call, given.url);
    return await whileServed(call, () => use(store));
  }
  using unlock = await unlockWith(await findSecret(call));
  const late = new AbortController();
  const start = (): NodeJS.Timeout =>
    setTimeout(() => late.abort(new DOMException('not open in time', 'TimeoutError')), milliseconds);
  let timer = start();
  // A person may take their time to type a passphrase.
  const secret = async (): Promise<Buffer> => {
    clearTimeout(timer);
    try {
      return await unlock.method.secret();
    } finally {
      timer = start();
    }
  };
  const signal = AbortSignal.any([call.cli.signal, late.signal]);
  const patient = { ...unlock, method: { ...unlock.method, secret } };
  const opening = openWith({ ...call, cli: { ...call.cli, signal } }, given, patient);
  await using store = await opening.finally(() => clearTimeout(timer));
  return await use(store);
}

const ROOM_TO_DELETE: OwnHint = {
  text: 'remove something else from that disk first: deleting writes a mark, and in SQLite a log',
};
const RM_FREES_NOTHING: OwnHint = { text: 'rm keeps the history and frees nothing; purge and gc do' };

/** As {@link withStore}, for deleting, with what to do on a full disk. */
export async function withStoreToDelete<T>(call: Call, use: (store: SecureStore) => Promise<T>): Promise<T> {
  try {
    return await withStore(call, use);
  } catch (error) {
    if (!SecureStoreError.is(error, 'NO_SPACE')) throw error;
    throw withHints(error, ROOM_TO_DELETE, ...(call.verb === 'rm' ? [RM_FREES_NOTHING] : []));
  }
}

/** As {@link withStore}, with what unlocked the store. */
export async function withUnlockedStore<T>(
  call: Call,
  use: (store: SecureStore, unlock: UnlockSecretMethod) => Promise<T>,
): Promise<T> {
  const given = await storeOf(call);
  if (isServed(given.url)) notServed(call.verb, ': it needs an unlock secret of the store');
  using unlock = await unlockWith(await findSecret(call));
  await using store = await openWith(call, given, unlock);
  return await use(store, unlock.method);
}

/** Options by which a program opens a store that it serves. */
type ServedOptions = Pick<OpenOptions, 'authenticators' | 'maintenance' | 'logger'> & {
  readonly followTo: readonly string[];
};

/** A store that is served, and the means by which workers open it. */
export interface ServedStore {
  readonly store: SecureStore;
  readonly given: Given;
  /** The unlock secret, if it was to be kept. */
  readonly secret: KeptSecret | undefined;
}

function servedOptions({ url }: Given, { followTo, ...options }: ServedOptions): Partial<OpenOptions> {
  for (const target of followTo) checkedStoreUrl(target, '--follow-to');
  // It may come back to where it is now.
  return { ...options, migrationTargets: followTo.length === 0 ? [] : [url, ...followTo] };
}

/**
 * As {@link withStore}, for a program that goes on.
 *
 * @param more beside what every command opens a store with
 * @param keeps whether the unlock secret is kept for workers
 */
export async function withServedStore<T>(
  call: Call,
  more: ServedOptions,
  keeps: boolean,
  use: (served: ServedStore) => Promise<T>,
): Promise<T> {
  const given = await storeOf(call);
  if (isServed(given.url))
    refuse('a remote store cannot be served again', { text: 'give --store the URL of the store itself' });
  checkNoToken(call);
  const options = servedOptions(given, more);
  await using stack = new AsyncDisposableStack();
  const served = await openKeeping(call, given, options, keeps, stack);
  return await use(served);
}

async function openKeeping(
  call: Call,
  given: Given,
  options: Partial<OpenOptions>,
  keeps: boolean,
  stack: AsyncDisposableStack,
): Promise<ServedStore> {
  const source = await findSecret(call);
  using unlock = await unlockWith(source);
  const store = stack.use(await openWith(call, given, unlock, options));
  const secret = keeps ? stack.use(await keepSecret(source, unlock)) : undefined;
  return { store, given, secret };
}

/** Opens a store as a worker of the server that has it open. @param method asks that server for the secret */
export function openAsWorker(
  call: Call,
  given: Given,
  { method, fingerprint }: { readonly method: UnlockSecretMethod; readonly fingerprint: string },
  more: ServedOptions,
): Promise<SecureStore> {
  const unlock = { method, fingerprint, [Symbol.dispose]: () => {} };
  // A rollback was accepted once, by the server.
  return openWith(call, given, unlock, { ...servedOptions(given, more), acceptRollback: false });
}

async function openAt(call: Call, given: Given, more: Partial<OpenOptions> = {}): Promise<SecureStore> {
  if (isServed(given.url)) return await openServed(call, given.url);
  checkNoToken(call);
  using unlock = await unlockWith(await findSecret(call));
  return await openWith(call, given, unlock, more);
}

async function openWith(
  call: Call,
  { url, file }: Given,
  unlock: Unlocking,
  more: Partial<OpenOptions> = {},
): Promise<SecureStore> {
  const { cli, options } = call;
  const invitation = await invitationOf(call);
  const fingerprint = oneFingerprint([options.fingerprint, invitation?.fingerprint, unlock.fingerprint]);
  const { openStore } = await import('securestore');
  const opening: OpenOptions = {
    unlock: unlock.method,
    anchor: options.anchor ?? true,
    acceptRollback: options.acceptRollback,
    trustOnFirstUse: options.trustFirstUse,
    fingerprint,
    logger: loggerFor(call),
    discovery: discoveryOf(call, file),
    // That is for programs that keep a store open; here there are commands for it.
    maintenance: false,
    signal: cli.signal,
    ...more,
  };
  return await whileMistyped(call, unlock, async () => {
    try {
      return await openStore(url, opening);
    } catch (error) {
      if (!SecureStoreError.is(error, 'UNLOCK_FAILED') || error.advice !== undefined) throw error;
      throw SecureStoreError.from(error, { advice: [{ id: 'check-unlock-secret' }] });
    }
  });
}
