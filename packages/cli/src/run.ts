import { exitCodeOf } from '@securestore/core-format';
import { CommanderError } from 'commander';
import type { Run } from './call/call.ts';
import type { Cli } from './terminal/cli-context.ts';
import { createOutput } from './call/output.ts';
import { createProgram } from './program.ts';
import { noCommand, usageError } from './errors/usage-error.ts';

/** Whether JSON is wanted, known before the arguments are parsed so that an error in them can be JSON as well. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}

/**
 * Runs one command line and says what came of it.
 *
 * @param args what follows the program's name.
 * @returns the exit code: 0 done, 8 finished with some items failed, that of the error otherwise.
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
    // The failure of the command itself matters more.
    if (state.exitCode === 0) state.exitCode = state.out.error(error, { operation: state.verb });
  }
  return state.exitCode;
}

/** The version in the manifest until the first release. */
const UNRELEASED = '0.0.0';

/** Says what ended the parsing or the command, help and version included, which come as errors too. */
async function sayEnd(error: unknown, ended: Run): Promise<number> {
  const { cli, out, printed, verb, resume } = ended;
  if (!(error instanceof CommanderError)) {
    return out.error(error, { operation: verb, interrupted: cli.signal.aborted, resume });
  }
  const text = printed.trimEnd();
  if (error.code === 'commander.version') {
    await out.result({ version: text }, () => (text === UNRELEASED ? `${text} (not released)` : text));
    return 0;
  }
  if (error.exitCode === 0) {
    await out.result({ help: text }, () => text);
    return 0;
  }
  if (error.code !== 'commander.help') return out.error(usageError(error, ended));
  if (out.json) return out.error(noCommand());
  out.note(text);
  return exitCodeOf('INVALID_ARGUMENT');
}
