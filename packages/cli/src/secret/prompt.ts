import { openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { SecureStoreError } from '@securestore/core-format';
import type { Cli } from '../terminal/cli-context.ts';
import { refuse } from '../errors/refuse.ts';
import { type LineTerminal, readLine } from '../terminal/read-line.ts';
import { printable } from '../terminal/terminal-text.ts';

/** A terminal with someone at it who can be asked. */
export interface Terminal extends LineTerminal, Disposable {}

/**
 * The terminal to ask on: stdin, or the controlling terminal if stdin carries data; undefined if stderr is no
 * terminal, since a person would not see the question.
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
  throw new SecureStoreError('ABORTED', 'cancelled at the prompt. Nothing was changed.');
}

/** Asks for something that is not shown while it is typed. @throws `ABORTED` if the person cancels. */
export async function askHidden({ signal }: Cli, terminal: Terminal, question: string): Promise<string> {
  while (true) {
    const answer = await readLine(terminal, `${question} (not shown): `, true, signal);
    if (answer === undefined) cancelled();
    if (answer !== '') return answer;
    terminal.output.write('The answer is empty. Type it, or press Ctrl-C to stop.\n');
  }
}

/** As {@link askHidden}; the answer may be empty. */
export async function askOptional({ signal }: Cli, terminal: Terminal, question: string): Promise<string> {
  return (await readLine(terminal, `${question} (not shown): `, true, signal)) ?? cancelled();
}

const isYes = (answer: string): boolean => /^y(?:es)?$/i.test(answer.trim());

/** Whether a person agrees. @throws `ABORTED` if they cancel */
export async function askYes({ signal }: Cli, terminal: Terminal, question: string): Promise<boolean> {
  return isYes((await readLine(terminal, `${question} [y/N] `, false, signal)) ?? cancelled());
}

/** How a person agrees: by y, or by typing the name of what is destroyed for good. */
async function agrees(cli: Cli, terminal: Terminal, question: string, target: string | undefined): Promise<boolean> {
  if (target === undefined) return await askYes(cli, terminal, question);
  const answer = await readLine(terminal, `${question}\nType ${printable(target)} to do it: `, false, cli.signal);
  return answer?.trim() === target;
}

/**
 * Lets a person agree to something that destroys.
 *
 * @param what what is agreed to, for the error if there is no terminal
 * @param target what is destroyed for good, whose name the person types instead of y
 * @throws `INVALID_ARGUMENT` if there is no terminal to ask on and `yes` isn't set; `ABORTED` if the answer is no.
 */
export async function confirmDestruction(
  cli: Cli,
  yes: boolean | undefined,
  question: string,
  what = 'the command destroys for good',
  target?: string,
): Promise<void> {
  if (yes === true) return;
  using terminal = openTerminal(cli);
  if (terminal === undefined) {
    refuse(`cannot ask without a terminal: ${what}. Nothing was changed.`, { text: 'add --yes to do it' });
  }
  if (!(await agrees(cli, terminal, question, target))) cancelled();
}
