import { SecureStoreError, withoutOwn } from '@securestore/core-format';
import { type NamedObject, objectsBelow } from '@securestore/migrate';
import type { SecureStore } from 'securestore';
import type { Call, ExitCode } from '../call.ts';
import { runCommand } from '../child-process.ts';
import { variablesFor, variableValue } from '../environment.ts';
import { withStore } from '../open.ts';
import { parseFolder } from '../parse-values.ts';

export interface ExecOptions {
  readonly prefix?: string;
}

/** The longest variable that Linux passes to a command (MAX_ARG_STRLEN), in bytes, less room for its name. */
const MAX_VALUE_BYTES = 128 * 1024 - 1100;

/** Options that act on what the command is given. The short ones, --json and --yes are common among commands. */
const OURS: ReadonlySet<string> = new Set([
  '--prefix',
  '--store',
  '--key-file',
  '--passphrase-file',
  '--recovery-code-file',
  '--share-file',
  '--identity-file',
  '--invitation-file',
  '--trust-first-use',
  '--fingerprint',
  '--anchor',
  '--no-anchor',
  '--accept-head',
]);

/** Points out an option of ours that the command gets, unless `--` says that it is meant for the command. */
function noteMisplaced({ out, args: all }: Call, args: readonly string[]): void {
  if (all.at(-args.length - 2) === '--') return;
  const misplaced = args.map((arg) => arg.replace(/=[^]*$/, '')).find((arg) => OURS.has(arg));
  if (misplaced === undefined) return;
  out.note(
    `note: ${misplaced} stands after the command, which gets it; options of securestore come before the command. ` +
      'If it is meant for the command, write -- before the command.',
  );
}

/** `securestore exec`. */
export async function exec(call: Call<ExecOptions>, command: string, args: readonly string[]): Promise<ExitCode> {
  const folder = parseFolder(call.options.prefix);
  noteMisplaced(call, args);
  // The store is closed, and its keys wiped, before the command starts.
  const secrets = await withStore(call, (store) => readVariables(call, store, folder));
  const { exitCode, error } = await runCommand(call.cli, command, args, { ...withoutOwn(call.cli.env), ...secrets });
  return error === undefined ? exitCode : call.out.error(error, { operation: 'exec', exitCode });
}

async function readVariables({ cli }: Call, store: SecureStore, folder: string): Promise<Record<string, string>> {
  const objects = await objectsBelow(store, folder, cli.signal);
  const values: Record<string, string> = {};
  for (const [variable, object] of variablesFor(objects)) {
    const value = await readValue(store, object, cli.signal);
    if (value !== undefined) values[variable] = value;
  }
  if (Object.keys(values).length === 0) {
    const where = folder === '' ? 'the store is empty' : `there are no objects below "${folder}"`;
    throw new SecureStoreError('NOT_FOUND', `${where}, so the command would run without secrets; it was not started`);
  }
  return values;
}

async function readValue(store: SecureStore, { key }: NamedObject, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { size } = await store.info(key, { signal });
    if (size > MAX_VALUE_BYTES) {
      const message = `"${key}" has ${size} bytes, and an environment variable ${MAX_VALUE_BYTES} at most`;
      throw new SecureStoreError('TOO_LARGE', `${message}; choose a narrower --prefix`, { key });
    }
    return variableValue(key, (await store.retrieve(key, { signal })).data);
  } catch (error) {
    // Expired since its name was listed.
    if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
