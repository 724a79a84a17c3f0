import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, systemCodeOf } from '@securestore/core-format';
import type { Call } from '../call/call.ts';
import type { Cli } from '../terminal/cli-context.ts';
import { refuseInvitation } from './mixed-up.ts';
import { askNewPassphrase, type NewPassphrase } from './new-passphrase.ts';
import { runPassphraseCommand } from './passphrase-command.ts';
import { askHidden, openTerminal } from './prompt.ts';
import type { OwnHint } from '../errors/hints.ts';
import { refuse } from '../errors/refuse.ts';
import { LONGEST_PASSPHRASE, withoutLineEnd } from './secret-bytes.ts';
import { warnIfShared } from './shared-file.ts';
import { weaknessOf } from './weak-passphrase.ts';

const WITH_KIT: OwnHint = { text: 'with a recovery kit, give --recovery-code-file FILE' };

const HOW_TO_GIVE_ONE: readonly OwnHint[] = [
  {
    text: 'set $SECURESTORE_KEY_FILE or $SECURESTORE_PASSPHRASE_FILE, or give --key-file FILE or --passphrase-file FILE',
  },
  WITH_KIT,
  { text: 'to see every way to give it', command: 'securestore help environment' },
];

/** A passphrase, and what it comes from: what a person types can be asked for again, the rest read again. */
export interface PassphraseSource {
  readonly kind: 'passphrase';
  readonly from: 'file' | 'command' | 'variable' | 'terminal';
  readonly read: () => Promise<Uint8Array>;
  readonly path?: string;
}

/** Where the secret of a store comes from. */
export type UnlockSecretSource =
  | { readonly kind: 'key-file'; readonly path: string }
  | { readonly kind: 'recovery-code'; readonly path: string }
  | { readonly kind: 'shares'; readonly paths: readonly string[] }
  | { readonly kind: 'identity'; readonly path: string }
  | PassphraseSource;

/** Where a secret comes from that a store is to have from now on. */
export interface NewSecretOptions {
  readonly newPassphraseFile?: string;
  readonly newPassphraseCommand?: string;
  readonly newKeyFile?: string;
}

const HOW_TO_GIVE_A_NEW_ONE: string =
  'give --new-key-file FILE, --new-passphrase-file FILE or --new-passphrase-command COMMAND, or run this on a terminal to be asked';

/** Reads a file with a secret: its bytes without one trailing line end, which editors and `echo` add. */
export async function readSecretFile(path: string, kind: string): Promise<Uint8Array> {
  const what = `cannot read the ${kind} file "${path}"`;
  try {
    await using file = await open(path);
    const buffer = new Uint8Array(LONGEST_PASSPHRASE + 3);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const contents = withoutLineEnd(buffer.subarray(0, length));
    if (contents.length === 0) refuse(`${what}: it is empty`);
    if (contents.length > LONGEST_PASSPHRASE) refuse(`${what}: it is longer than ${LONGEST_PASSPHRASE} bytes`);
    const secret = contents.slice();
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

function passphraseFile(path: string): PassphraseSource {
  return { kind: 'passphrase', from: 'file', read: () => readSecretFile(path, 'passphrase'), path };
}

function passphraseCommand(cli: Cli, command: string): PassphraseSource {
  return { kind: 'passphrase', from: 'command', read: () => runPassphraseCommand(cli, command) };
}

/** The file of a credential of this service, if it has one of that name. */
export async function credentialFile(env: Cli['env'], name: string): Promise<string | undefined> {
  const directory = nonEmpty(env, 'CREDENTIALS_DIRECTORY');
  const file = directory === undefined ? undefined : join(directory, name);
  return file !== undefined && (await exists(file)) ? file : undefined;
}

/** The credential that `LoadCredential=` of systemd put there for this service. */
async function fromCredentialsDirectory(directory: string): Promise<UnlockSecretSource | undefined> {
  const key = join(directory, 'securestore-key');
  if (await exists(key)) return { kind: 'key-file', path: key };
  const passphrase = join(directory, 'securestore-passphrase');
  return (await exists(passphrase)) ? passphraseFile(passphrase) : undefined;
}

/** The value of a variable, if it is set. @throws `INVALID_ARGUMENT` if it is empty */
export function nonEmpty(env: Cli['env'], name: string): string | undefined {
  const value = env[name];
  // An empty one is a secret that failed to arrive; asking or looking elsewhere would hide that.
  if (value === '') refuse(`$${name} is set but empty`, { text: `give it its value, or unset ${name}` });
  return value;
}

/** @param problem what is wrong if there is no terminal @param otherwise what to do then */
async function ask(
  cli: Cli,
  problem: string,
  otherwise: readonly OwnHint[],
  creating?: NewPassphrase,
): Promise<Uint8Array> {
  using terminal = openTerminal(cli);
  if (terminal === undefined) refuse(problem, ...otherwise);
  if (creating !== undefined) return await askNewPassphrase(cli, terminal, creating);
  return Buffer.from(await askHidden(cli, terminal, 'Passphrase'));
}

/** The secret of a new slot: a weak passphrase that no person has typed, and so cannot choose again, is warned of. */
function created({ out }: Call, source: UnlockSecretSource, url: string): UnlockSecretSource {
  if (source.kind !== 'passphrase' || source.from === 'terminal') return source;
  const read = async (): Promise<Uint8Array> => {
    const passphrase = await source.read();
    const weakness = weaknessOf(passphrase, url);
    if (weakness !== undefined) out.warning(`the new passphrase is weak: ${weakness}`);
    return passphrase;
  };
  return { ...source, read };
}

/**
 * Finds a new secret for a store that there is: the options, then a person. The environment has the present one.
 *
 * @param url of the store
 * @param otherwise what else there is than to give one, for the error
 * @throws `INVALID_ARGUMENT` if two options contradict each other; that there is none shows when it is read.
 */
export async function findNewSecret(
  call: Call<NewSecretOptions>,
  url: string,
  otherwise = '',
): Promise<UnlockSecretSource> {
  const source = newSecretOf(call, url, otherwise);
  await warnOfShared(call, source);
  return created(call, source, url);
}

function newSecretOf({ cli, options }: Call<NewSecretOptions>, url: string, otherwise: string): UnlockSecretSource {
  const { newKeyFile, newPassphraseFile, newPassphraseCommand } = options;
  const given = Object.entries({
    '--new-key-file': newKeyFile,
    '--new-passphrase-file': newPassphraseFile,
    '--new-passphrase-command': newPassphraseCommand,
  }).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
  if (given.length > 1) refuse(`${given[0]} cannot be used with ${given[1]}`);
  if (newKeyFile !== undefined) return { kind: 'key-file', path: newKeyFile };
  if (newPassphraseFile !== undefined) return passphraseFile(newPassphraseFile);
  if (newPassphraseCommand !== undefined) return passphraseCommand(cli, newPassphraseCommand);
  const how = [{ text: `${HOW_TO_GIVE_A_NEW_ONE}${otherwise}` }];
  return { kind: 'passphrase', from: 'terminal', read: () => ask(cli, 'no new unlock secret is given', how, { url }) };
}

/** The secrets that the options name, each with its option. */
export function optionSecrets({ cli, options }: Call): (readonly [string, UnlockSecretSource])[] {
  const { keyFile, passphraseFile: passphrase, passphraseCommand: command } = options;
  const { recoveryCodeFile, shareFile, identityFile } = options;
  const all: (readonly [string, UnlockSecretSource | undefined])[] = [
    ['--key-file', keyFile === undefined ? undefined : { kind: 'key-file', path: keyFile }],
    ['--passphrase-file', passphrase === undefined ? undefined : passphraseFile(passphrase)],
    ['--passphrase-command', command === undefined ? undefined : passphraseCommand(cli, command)],
    [
      '--recovery-code-file',
      recoveryCodeFile === undefined ? undefined : { kind: 'recovery-code', path: recoveryCodeFile },
    ],
    ['--share-file', shareFile === undefined ? undefined : { kind: 'shares', paths: shareFile }],
    ['--identity-file', identityFile === undefined ? undefined : { kind: 'identity', path: identityFile }],
  ];
  return all.filter((entry): entry is readonly [string, UnlockSecretSource] => entry[1] !== undefined);
}

/**
 * Finds the secret: the options first, then the environment, then the credentials of the service, then a person.
 *
 * @throws `INVALID_ARGUMENT` if two options contradict each other or a variable is set but empty. That there is
 *   none at all shows only when a passphrase is read, so that a missing store is reported before a missing secret.
 */
export async function findSecret(call: Call): Promise<UnlockSecretSource> {
  const source = await secretOf(call);
  if (source.kind === 'identity') await refuseInvitation(source.path);
  await warnOfShared(call, source);
  return source;
}

/** As {@link findSecret}, for a store that is to be created at `url`: a person is offered a generated passphrase. */
export async function findFirstSecret(call: Call, url: string): Promise<UnlockSecretSource> {
  const source = await secretOf(call, { url, offer: true });
  await warnOfShared(call, source);
  return created(call, source, url);
}

/** The names of the kinds of files with secrets. */
const FILE_KINDS: Readonly<Record<UnlockSecretSource['kind'], string>> = {
  'key-file': 'key',
  'recovery-code': 'recovery code',
  shares: 'share',
  identity: 'identity',
  passphrase: 'passphrase',
};

/** Warns of each file of a secret that other users may read or change. */
async function warnOfShared(call: Call, source: UnlockSecretSource): Promise<void> {
  const paths = source.kind === 'shares' ? source.paths : [source.path];
  for (const path of paths) if (path !== undefined) await warnIfShared(call, path, FILE_KINDS[source.kind]);
}

/** @param creating if the store is to be created */
async function secretOf(call: Call, creating?: NewPassphrase): Promise<UnlockSecretSource> {
  const { cli } = call;
  const given = optionSecrets(call);
  const [first, ...others] = given;
  if (first !== undefined && others[0] !== undefined) refuse(`${first[0]} cannot be used with ${others[0][0]}`);
  if (first !== undefined) return first[1];
  const keyFile = nonEmpty(cli.env, 'SECURESTORE_KEY_FILE');
  if (keyFile !== undefined) return { kind: 'key-file', path: keyFile };
  const passphrase = nonEmpty(cli.env, 'SECURESTORE_PASSPHRASE');
  if (passphrase !== undefined)
    return { kind: 'passphrase', from: 'variable', read: async () => Buffer.from(passphrase) };
  const file = nonEmpty(cli.env, 'SECURESTORE_PASSPHRASE_FILE');
  if (file !== undefined) return passphraseFile(file);
  const command = nonEmpty(cli.env, 'SECURESTORE_PASSPHRASE_COMMAND');
  if (command !== undefined) return passphraseCommand(cli, command);
  const directory = nonEmpty(cli.env, 'CREDENTIALS_DIRECTORY');
  const credential = directory === undefined ? undefined : await fromCredentialsDirectory(directory);
  return (
    credential ?? {
      kind: 'passphrase',
      from: 'terminal',
      read: () => {
        // A recovery code is made for a store that there is.
        const how = creating === undefined ? HOW_TO_GIVE_ONE : HOW_TO_GIVE_ONE.filter((hint) => hint !== WITH_KIT);
        return ask(cli, 'no unlock secret is given', how, creating);
      },
    }
  );
}

/** The variable of the secret that {@link findSecret} takes from the environment, as it is written; `undefined` if it takes none from there. */
export async function environmentSecret(call: Call): Promise<string | undefined> {
  const variable = secretVariable(call);
  if (variable !== undefined) return `$${variable}`;
  const directory = nonEmpty(call.cli.env, 'CREDENTIALS_DIRECTORY');
  if (directory === undefined || optionSecrets(call).length > 0) return undefined;
  return (await fromCredentialsDirectory(directory)) === undefined ? undefined : '$CREDENTIALS_DIRECTORY';
}

/** Variables that give an unlock secret, or its source. */
export const SECRET_VARIABLES = [
  'SECURESTORE_KEY_FILE',
  'SECURESTORE_PASSPHRASE',
  'SECURESTORE_PASSPHRASE_FILE',
  'SECURESTORE_PASSPHRASE_COMMAND',
] as const;

/** The name of the variable that {@link findSecret} takes the secret from, if it takes it from one. */
export function secretVariable(call: Call): (typeof SECRET_VARIABLES)[number] | undefined {
  if (optionSecrets(call).length > 0) return undefined;
  return SECRET_VARIABLES.find((name) => call.cli.env[name] !== undefined);
}

/** Everything that gives a secret of the store, as a person writes it: the first one is used, in the order of {@link findSecret}. */
export async function secretsGiven(call: Call): Promise<readonly string[]> {
  const { env } = call.cli;
  const directory = env['CREDENTIALS_DIRECTORY'];
  const credential = directory === undefined ? undefined : await fromCredentialsDirectory(directory);
  return [
    ...optionSecrets(call).map(([flag]) => flag),
    ...SECRET_VARIABLES.filter((name) => env[name] !== undefined).map((name) => `$${name}`),
    ...(credential !== undefined && 'path' in credential ? [`the credential "${credential.path}"`] : []),
  ];
}
