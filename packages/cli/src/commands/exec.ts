import { SecureStoreError, withoutOwn } from '@securestore/core-format';
import { objectsBelow } from '@securestore/migrate/lazy';
import type { SecureStore } from 'securestore';
import type { Call, ExitCode } from '../call/call.ts';
import { runCommand } from '../object/child-process.ts';
import { variableValue } from '../options/environment.ts';
import { type ExecOptions, parseScope, type Scope, some, variablesFor } from '../object/exec-scope.ts';
import { withStore } from '../store/open.ts';
import { refusal } from '../errors/refuse.ts';

/** The longest variable that Linux passes to a command (MAX_ARG_STRLEN), in bytes, less room for its name. */
export const MAX_VALUE_BYTES: number = 128 * 1024 - 1100;

/** Options that act on what the command is given. The short ones, --json and --yes are common among commands. */
const OURS: ReadonlySet<string> = new Set([
  '--prefix',
  '--all',
  '--env',
  '--variables',
  '--store',
  '--key-file',
  '--passphrase-file',
  '--passphrase-command',
  '--recovery-code-file',
  '--share-file',
  '--identity-file',
  '--invitation-file',
  '--trust-first-use',
  '--fingerprint',
  '--anchor',
  '--no-anchor',
  '--accept-rollback',
  '--accept-head',
]);

/** Points out an option of ours that the command gets, unless `--` says that it is meant for the command. */
function noteMisplaced({ out, args: all }: Call, args: readonly string[]): void {
  if (all.at(-args.length - 2) === '--') return;
  const misplaced = args.map((arg) => arg.replace(/=[^]*$/, '')).find((arg) => OURS.has(arg));
  if (misplaced === undefined) return;
  out.note(
    `note: ${misplaced} is after the command, which gets it; options of securestore belong before the command. ` +
      'If it is meant for the command, write -- before the command.',
  );
}

/** The environment of this process for the command, and what its variables are called for comparison. */
interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Windows takes `Path` and `PATH` for one variable. */
  readonly same: (variable: string) => string;
}

function surroundingsOf({ cli }: Call): Surroundings {
  const same = cli.platform === 'win32' ? (name: string) => name.toUpperCase() : (name: string) => name;
  return { env: withoutOwn(cli.env), same };
}

/** `securestore exec`. */
export async function exec(call: Call<ExecOptions>, command: string, args: readonly string[]): Promise<ExitCode> {
  const { env, same } = surroundingsOf(call);
  const scope = parseScope(call.options, same);
  noteMisplaced(call, args);
  // The store is closed, and its keys wiped, before the command starts.
  const secrets = await withStore(call, async (store) => {
    const below = scope.folder === undefined ? [] : await objectsBelow(store, scope.folder, call.cli.signal);
    const taken = new Set(Object.keys(env).map(same));
    const variables = variablesFor(scope, below, (variable) => taken.has(same(variable)));
    return await readVariables(call, store, variables, scope);
  });
  const replaced = new Set(Object.keys(secrets).map(same));
  const kept = Object.entries(env).filter(([name]) => !replaced.has(same(name)));
  const { exitCode, error } = await runCommand(call.cli, command, args, { ...Object.fromEntries(kept), ...secrets });
  return error === undefined ? exitCode : call.out.error(error, { operation: 'exec', exitCode });
}

function notFound(what: string): never {
  throw new SecureStoreError('NOT_FOUND', `${what}. The command was not started.`);
}

async function readVariables(
  { cli }: Call,
  store: SecureStore,
  variables: ReadonlyMap<string, string>,
  { folder, named }: Scope,
): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  const missing: string[] = [];
  for (const [variable, key] of variables) {
    const value = await readValue(store, key, cli.signal);
    if (value !== undefined) values[variable] = value;
    // What was only found below the folder has expired since its name was listed.
    else if (named.has(variable)) missing.push(`"${key}" for $${variable}`);
  }
  if (missing.length > 0) notFound(`the objects that --env names do not exist: ${some(missing)}`);
  if (Object.keys(values).length > 0) return values;
  return notFound(folder === '' ? 'the store is empty' : `no object exists below "${folder}"`);
}

async function readValue(store: SecureStore, key: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { size } = await store.info(key, { signal });
    if (size > MAX_VALUE_BYTES) {
      throw refusal('TOO_LARGE', `"${key}" has ${size} bytes: an environment variable has at most ${MAX_VALUE_BYTES}`, {
        key,
        hints: [{ text: 'choose a narrower --prefix, or name other objects by --env' }],
      });
    }
    return variableValue(key, (await store.retrieve(key, { signal })).data);
  } catch (error) {
    if (SecureStoreError.is(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
