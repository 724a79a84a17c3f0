import { exitCodeOf, SecureStoreError } from '@securestore/core-format';
import { CommanderError } from 'commander';
import type { Run } from './call.ts';
import type { Cli } from './cli-context.ts';
import { createOutput } from './output.ts';
import { createProgram } from './program.ts';
import { isDestroying, optionSynonymOf, synonymOf } from './synonyms.ts';

const NO_COMMAND = 'no command was given; securestore help lists the commands';

/** Whether JSON is wanted, known before the arguments are parsed so that an error in them can be JSON as well. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}

/** The message for a command or option that there isn't, with the one that goes by another name here. */
function withSynonym(message: string, verb: string | undefined): string {
  const [, option = ''] = /^unknown option '([^']*)'$/.exec(message) ?? [];
  const meant = optionSynonymOf(verb, option);
  if (meant !== undefined) return `${message} (Did you mean ${meant}?)`;
  const [, unknown, name = ''] = /^(unknown command '([^']*)')/.exec(message) ?? [];
  if (unknown === undefined) return message;
  const synonym = synonymOf(name);
  const [, spelt] = /\(Did you mean (?:one of )?(.*)\?\)$/.exec(message) ?? [];
  const alike = spelt?.split(', ').filter((command) => !isDestroying(command)) ?? [];
  const suggested = synonym === undefined ? alike : [synonym];
  if (suggested.length === 0) return unknown;
  return `${unknown} (Did you mean ${suggested.length === 1 ? '' : 'one of '}${suggested.join(', ')}?)`;
}

const A_LOCATION = /^(?:(?:file|memory|sqlite):|\w+:\/\/)/;

/** The message for operands of a command that takes none, where a location is among what was given. */
function withStoreOption(message: string, args: readonly string[]): string {
  const isMistaken = /^too many arguments.* Expected 0 /.test(message) && args.some((arg) => A_LOCATION.test(arg));
  if (!isMistaken) return message;
  return `${message}; the store of this command is given by --store LOCATION`;
}

function usageError(error: CommanderError, { verb, args }: Run): SecureStoreError {
  const message = error.message
    .replace(/^error: /, '')
    // The arguments that are too many may be the words of a secret that was meant to be piped in.
    .replace(/(too many arguments.* but got \d+): [^]*$/, '$1')
    // What follows "=" may be a secret that was given to an option which does not exist.
    .replace(/'(--?[^'=]*)=[^]*'$/m, "'$1'")
    // A suggestion comes on a line of its own.
    .replace(/\n(?=\(Did you mean)/, ' ')
    .replace(/\.$/, '');
  const help = verb === undefined ? 'securestore help lists the commands' : `see securestore help ${verb}`;
  return new SecureStoreError('INVALID_ARGUMENT', `${withStoreOption(withSynonym(message, verb), args)}; ${help}`, {
    operation: verb,
  });
}

/**
 * Runs one command line and says what came of it.
 *
 * @param args what follows the program's name.
 * @returns the exit code: 0 done, 8 finished with some items failed, the code of {@link SecureStoreError} otherwise.
 */
export async function run(args: readonly string[], cli: Cli): Promise<number> {
  const state: Run = { cli, args, out: createOutput(cli, wantsJson(args), () => state), printed: '', exitCode: 0 };
  try {
    await createProgram(state).parseAsync([...args], { from: 'user' });
  } catch (error) {
    state.exitCode = await sayEnd(error, state);
  }
  try {
    await state.out.flush();
  } catch (error) {
    // What the command itself had to say about its failure matters more.
    if (state.exitCode === 0) state.exitCode = state.out.error(error, { operation: state.verb });
  }
  return state.exitCode;
}

/** Says what ended the parsing or the command, help and version included, which come as errors too. */
async function sayEnd(error: unknown, ended: Run): Promise<number> {
  const { cli, out, printed, verb, resume } = ended;
  if (!(error instanceof CommanderError)) {
    return out.error(error, { operation: verb, interrupted: cli.signal.aborted, resume });
  }
  const text = printed.trimEnd();
  if (error.exitCode === 0) {
    await out.result(error.code === 'commander.version' ? { version: text } : { help: text }, () => text);
    return 0;
  }
  if (error.code !== 'commander.help') return out.error(usageError(error, ended));
  if (out.json) return out.error(new SecureStoreError('INVALID_ARGUMENT', NO_COMMAND));
  out.note(text);
  return exitCodeOf('INVALID_ARGUMENT');
}
