import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, SecureStoreError, systemCodeOf } from '@securestore/core-format';
import type { Call } from './call.ts';
import type { GlobalOptions } from './global-options.ts';
import type { Cli } from './cli-context.ts';
import { askHidden, openTerminal } from './prompt.ts';
import { warnIfShared } from './shared-file.ts';

/** The longest passphrase in bytes: far beyond what anyone types, far below what a wrong path would make us read. */
const MAX_PASSPHRASE_BYTES = 64 * 1024;

const HOW_TO_GIVE_ONE =
  'give --key-file FILE or --passphrase-file FILE, set $SECURESTORE_KEY_FILE, $SECURESTORE_PASSPHRASE or $SECURESTORE_PASSPHRASE_FILE, ' +
  'or run this on a terminal to be asked';

/** Where the secret of a store comes from. */
export type SecretSource =
  | { readonly kind: 'key-file'; readonly path: string }
  | { readonly kind: 'recovery-code'; readonly path: string }
  | { readonly kind: 'shares'; readonly paths: readonly string[] }
  | { readonly kind: 'identity'; readonly path: string }
  | { readonly kind: 'passphrase'; readonly read: () => Promise<Uint8Array>; readonly path?: string };

/** Whether a store is opened, or made and its passphrase therefore asked for twice. */
export type Purpose = 'open' | 'create';

/** Where a secret comes from that a store is to have from now on. */
export interface NewSecretOptions {
  readonly newPassphraseFile?: string;
  readonly newKeyFile?: string;
}

const HOW_TO_GIVE_A_NEW_ONE =
  'give --new-key-file FILE or --new-passphrase-file FILE, or run this on a terminal to be asked';

function refuse(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

/** Reads a file with a secret: its bytes without one trailing line end, which editors and `echo` add. */
export async function readSecretFile(path: string, kind: string): Promise<Uint8Array> {
  const what = `cannot read the ${kind} file "${path}"`;
  try {
    await using file = await open(path);
    const buffer = new Uint8Array(MAX_PASSPHRASE_BYTES + 3);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > 0 && buffer[length - 1] === 0x0a) length -= buffer[length - 2] === 0x0d ? 2 : 1;
    if (length === 0) refuse(`${what}: it is empty`);
    if (length > MAX_PASSPHRASE_BYTES) refuse(`${what}: it is longer than ${MAX_PASSPHRASE_BYTES} bytes`);
    const secret = buffer.slice(0, length);
    buffer.fill(0);
    return secret;
  } catch (error) {
    throw fileError(error, what);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return false;
    throw fileError(error, `cannot read the credential "${path}"`);
  }
}

function passphraseFile(path: string): SecretSource {
  return { kind: 'passphrase', read: () => readSecretFile(path, 'passphrase'), path };
}

/** The file of a credential of this service, if it has one of that name. */
export async function credentialFile(env: Cli['env'], name: string): Promise<string | undefined> {
  const directory = nonEmpty(env, 'CREDENTIALS_DIRECTORY');
  const file = directory === undefined ? undefined : join(directory, name);
  return file !== undefined && (await exists(file)) ? file : undefined;
}

/** What systemd's `LoadCredential=` put there for this service. */
async function fromCredentialsDirectory(directory: string): Promise<SecretSource | undefined> {
  const key = join(directory, 'securestore-key');
  if (await exists(key)) return { kind: 'key-file', path: key };
  const passphrase = join(directory, 'securestore-passphrase');
  return (await exists(passphrase)) ? passphraseFile(passphrase) : undefined;
}

/** The value of a variable, if it is set. @throws `INVALID_ARGUMENT` where it is empty */
export function nonEmpty(env: Cli['env'], name: string): string | undefined {
  const value = env[name];
  // An empty one is a secret that failed to arrive; asking or looking elsewhere would hide that.
  if (value === '') refuse(`$${name} is set but empty; give it its value, or unset it`);
  return value;
}

async function ask(cli: Cli, purpose: Purpose, otherwise: string): Promise<Uint8Array> {
  using terminal = openTerminal(cli);
  if (terminal === undefined) refuse(otherwise);
  const passphrase = await askHidden(cli, terminal, purpose === 'create' ? 'New passphrase' : 'Passphrase');
  if (purpose === 'create' && (await askHidden(cli, terminal, 'The same again')) !== passphrase) {
    refuse('the two passphrases differ; nothing was changed, run the command again');
  }
  return Buffer.from(passphrase);
}

/**
 * Finds a new secret for a store that there is: the options, then a person. The environment has the present one.
 *
 * @param otherwise what else there is than to give one, for the error
 * @throws `INVALID_ARGUMENT` where two options contradict each other; that there is none shows when it is read.
 */
export async function findNewSecret(call: Call<NewSecretOptions>, otherwise = ''): Promise<SecretSource> {
  const source = newSecretOf(call, otherwise);
  await warnOfShared(call, source);
  return source;
}

function newSecretOf({ cli, options }: Call<NewSecretOptions>, otherwise: string): SecretSource {
  const { newKeyFile, newPassphraseFile } = options;
  if (newKeyFile !== undefined && newPassphraseFile !== undefined) {
    refuse('give --new-key-file or --new-passphrase-file, not both');
  }
  if (newKeyFile !== undefined) return { kind: 'key-file', path: newKeyFile };
  if (newPassphraseFile !== undefined) return passphraseFile(newPassphraseFile);
  return {
    kind: 'passphrase',
    read: () => ask(cli, 'create', `no new secret: ${HOW_TO_GIVE_A_NEW_ONE}${otherwise}`),
  };
}

/** The secrets that the options name, each with its option. */
export function optionSecrets(options: GlobalOptions): (readonly [string, SecretSource])[] {
  const { keyFile, passphraseFile: passphrase, recoveryCodeFile, shareFile, identityFile } = options;
  const all: (readonly [string, SecretSource | undefined])[] = [
    ['--key-file', keyFile === undefined ? undefined : { kind: 'key-file', path: keyFile }],
    ['--passphrase-file', passphrase === undefined ? undefined : passphraseFile(passphrase)],
    [
      '--recovery-code-file',
      recoveryCodeFile === undefined ? undefined : { kind: 'recovery-code', path: recoveryCodeFile },
    ],
    ['--share-file', shareFile === undefined ? undefined : { kind: 'shares', paths: shareFile }],
    ['--identity-file', identityFile === undefined ? undefined : { kind: 'identity', path: identityFile }],
  ];
  return all.filter((entry): entry is readonly [string, SecretSource] => entry[1] !== undefined);
}

/**
 * Finds the secret: the options first, then the environment, then the credentials of the service, then a person.
 *
 * @throws `INVALID_ARGUMENT` where two options contradict each other or a variable is set but empty. That there is
 *   none at all shows only when a passphrase is read, so that a missing store is reported before a missing secret.
 */
export async function findSecret(call: Call, purpose: Purpose): Promise<SecretSource> {
  const source = await secretOf(call, purpose);
  await warnOfShared(call, source);
  return source;
}

/** What the file of a secret is called. */
const FILE_KINDS: Readonly<Record<SecretSource['kind'], string>> = {
  'key-file': 'key',
  'recovery-code': 'recovery code',
  shares: 'share',
  identity: 'identity',
  passphrase: 'passphrase',
};

/** Warns of each file of a secret that other users may read or change. */
async function warnOfShared(call: Call, source: SecretSource): Promise<void> {
  const paths = source.kind === 'shares' ? source.paths : [source.path];
  for (const path of paths) if (path !== undefined) await warnIfShared(call, path, FILE_KINDS[source.kind]);
}

async function secretOf({ cli, options }: Call, purpose: Purpose): Promise<SecretSource> {
  const given = optionSecrets(options);
  const [first, ...others] = given;
  if (others.length > 0)
    refuse(`give ${given.map(([name]) => name).join(' or ')}, not ${given.length > 2 ? 'all of them' : 'both'}`);
  if (first !== undefined) return first[1];
  const keyFile = nonEmpty(cli.env, 'SECURESTORE_KEY_FILE');
  if (keyFile !== undefined) return { kind: 'key-file', path: keyFile };
  const passphrase = nonEmpty(cli.env, 'SECURESTORE_PASSPHRASE');
  if (passphrase !== undefined) return { kind: 'passphrase', read: async () => Buffer.from(passphrase) };
  const file = nonEmpty(cli.env, 'SECURESTORE_PASSPHRASE_FILE');
  if (file !== undefined) return passphraseFile(file);
  const directory = nonEmpty(cli.env, 'CREDENTIALS_DIRECTORY');
  const credential = directory === undefined ? undefined : await fromCredentialsDirectory(directory);
  return (
    credential ?? {
      kind: 'passphrase',
      read: () => ask(cli, purpose, `no secret to unlock the store with: ${HOW_TO_GIVE_ONE}`),
    }
  );
}

/** The variable of the secret that {@link findSecret} takes from the environment, as it is written; `undefined` if it takes none from there. */
export async function environmentSecret(call: Call): Promise<string | undefined> {
  const variable = secretVariable(call);
  if (variable !== undefined) return `$${variable}`;
  const { cli, options } = call;
  const directory = nonEmpty(cli.env, 'CREDENTIALS_DIRECTORY');
  if (directory === undefined || optionSecrets(options).length > 0) return undefined;
  return (await fromCredentialsDirectory(directory)) === undefined ? undefined : '$CREDENTIALS_DIRECTORY';
}

/** The name of the variable that {@link findSecret} takes the secret from, if it takes it from one. */
export function secretVariable({ cli, options }: Call): string | undefined {
  if (optionSecrets(options).length > 0) return undefined;
  return ['SECURESTORE_KEY_FILE', 'SECURESTORE_PASSPHRASE', 'SECURESTORE_PASSPHRASE_FILE'].find(
    (name) => cli.env[name] !== undefined,
  );
}
