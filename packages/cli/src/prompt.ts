import { openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { SecureStoreError } from '@securestore/core-format';
import type { Cli } from './cli-context.ts';
import { type LineTerminal, readLine } from './read-line.ts';

/** A terminal with someone at it who can be asked. */
export interface Terminal extends LineTerminal, Disposable {}

/**
 * The terminal to ask on: stdin, or the controlling terminal where stdin carries data; undefined where stderr is no
 * terminal, so that nobody would see the question.
 */
export function openTerminal({ stdin, stderr, platform }: Cli): Terminal | undefined {
  if (stderr.isTTY !== true) return undefined;
  if (stdin.isTTY === true) return { input: stdin, output: stderr, [Symbol.dispose]: () => {} };
  if (platform === 'win32') return undefined;
  try {
    const input = new ReadStream(openSync('/dev/tty', 'r'));
    return { input, output: stderr, [Symbol.dispose]: () => void input.destroy() };
  } catch {
    // No controlling terminal.
    return undefined;
  }
}

function cancelled(): never {
  throw new SecureStoreError('ABORTED', 'cancelled at the prompt; nothing was changed');
}

/** Asks for something that is not shown while it is typed. @throws `ABORTED` where the person cancels. */
export async function askHidden({ signal }: Cli, terminal: Terminal, question: string): Promise<string> {
  while (true) {
    const answer = await readLine(terminal, `${question} (not shown): `, true, signal);
    if (answer === undefined) cancelled();
    if (answer !== '') return answer;
    terminal.output.write('It is empty; type it, or press Ctrl-C to stop.\n');
  }
}

/**
 * Lets a person agree to something that destroys.
 *
 * @param what what is agreed to, for the error where there is no terminal
 * @throws `INVALID_ARGUMENT` where there is no terminal to ask on and `yes` isn't set; `ABORTED` where the answer is no.
 */
export async function confirmDestruction(
  cli: Cli,
  yes: boolean | undefined,
  question: string,
  what = 'this destroys for good',
): Promise<void> {
  if (yes === true) return;
  using terminal = openTerminal(cli);
  if (terminal === undefined) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      `nothing was changed: ${what}, and there is no terminal to ask on; add --yes to do it`,
    );
  }
  const answer = await readLine(terminal, `${question} [y/N] `, false, cli.signal);
  if (answer === undefined || !/^y(?:es)?$/i.test(answer.trim())) cancelled();
}
