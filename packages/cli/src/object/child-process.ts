import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { SecureStoreError, systemCodeOf } from '@securestore/core-format';
import type { Cli } from '../terminal/cli-context.ts';
import { filesOfCommand } from '../terminal/search-path.ts';
import { refusal } from '../errors/refuse.ts';

/** Exit codes of shells and `env` for a command that isn't there, and one that can't be run. */
const NOT_THERE = 127;
const NOT_RUNNABLE = 126;
/** Shells add the number of the signal that ended a command to this. */
const SIGNAL_BASE = 128;

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const;
/** What a terminal sends to every process in front of it, the child included. */
const FROM_TERMINAL: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH']);

/** How a command ended: its exit code, or why it never ran and the exit code for that. */
export type Ending = { readonly exitCode: number; readonly error?: SecureStoreError };

/** Whether a command is named by a path, or lies in a folder of the search path that this user may look into. */
function isThere(command: string, env: Readonly<Record<string, string | undefined>>): boolean {
  return command.includes('/') || filesOfCommand(command, env).some((file) => existsSync(file));
}

function notOnPath(command: string, env: Readonly<Record<string, string | undefined>>): SecureStoreError {
  const isReplaced = env['PATH'] !== process.env['PATH'];
  return refusal('NOT_FOUND', `the command "${command}" is in no folder of $PATH`, {
    hints: isReplaced
      ? [{ text: 'an object of the store sets $PATH for it: leave that out, or give the path of the command' }]
      : [],
  });
}

function startError(error: unknown, command: string, env: Readonly<Record<string, string | undefined>>): Ending {
  const systemCode = systemCodeOf(error);
  // The system says EACCES for a command that is nowhere, too, if a folder of the search path may not be looked into.
  if (systemCode === 'ENOENT' || (systemCode === 'EACCES' && !isThere(command, env))) {
    if (!command.includes('/') && !isThere(command, env))
      return { exitCode: NOT_THERE, error: notOnPath(command, env) };
    const message = `the command "${command}" does not exist, or the working directory is gone`;
    return { exitCode: NOT_THERE, error: new SecureStoreError('NOT_FOUND', message) };
  }
  if (systemCode === 'E2BIG') {
    const hints = [{ text: 'choose a narrower --prefix' }];
    const message = 'the environment is too large for a command';
    return { exitCode: 2, error: refusal('TOO_LARGE', message, { cause: error, hints }) };
  }
  if (systemCode === 'EACCES') {
    const message = `cannot run "${command}": it is not a program, or not one that you may run`;
    return { exitCode: NOT_RUNNABLE, error: new SecureStoreError('ACCESS_DENIED', message) };
  }
  const message = `cannot run "${command}"`;
  return { exitCode: NOT_RUNNABLE, error: new SecureStoreError('ACCESS_DENIED', message, { cause: error }) };
}

/**
 * Runs a command on this process's own stdin, stdout and stderr, passes signals on to it, and waits for its end.
 * A signal that ends it becomes 128 and its number, as in shells.
 */
export async function runCommand(
  cli: Cli,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Ending> {
  const atTerminal = cli.stdin.isTTY === true;
  return await new Promise((resolve) => {
    let child;
    try {
      child = spawn(command, args, { env: { ...env }, stdio: 'inherit' });
    } catch (error) {
      resolve(startError(error, command, env));
      return;
    }
    const started = child;
    const handlers = FORWARDED.map((name) => {
      const handler = (): void => {
        if (!(atTerminal && FROM_TERMINAL.has(name))) started.kill(name);
      };
      process.on(name, handler);
      return [name, handler] as const;
    });
    const end = (ending: Ending): void => {
      for (const [name, handler] of handlers) process.off(name, handler);
      resolve(ending);
    };
    // From here on signals are the child's.
    cli.releaseSignals();
    child.once('error', (error) => end(startError(error, command, env)));
    child.once('close', (code, signal) =>
      end({ exitCode: code ?? SIGNAL_BASE + (signal === null ? 0 : constants.signals[signal]) }),
    );
  });
}
