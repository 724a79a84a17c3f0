import { openSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { SecureStoreError } from '@securestore/core-format';
import type { Cli, Input, OutputStream } from './cli-context.ts';

/** A terminal with someone at it who can be asked. */
export interface Terminal extends Disposable {
  readonly input: Input;
  readonly output: OutputStream;
}

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
export async function askHidden(cli: Cli, terminal: Terminal, message: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts');
  const answer = await password({
    message: `${message} (not shown)`,
    // No character for a character: the length of a secret is nobody's business.
    mask: '',
    validate: (value) =>
      value === undefined || value === '' ? 'It is empty: type it, or press Ctrl-C to stop.' : undefined,
    input: terminal.input,
    output: terminal.output,
    signal: cli.signal,
    withGuide: false,
  });
  return isCancel(answer) ? cancelled() : answer;
}

/**
 * Lets a person agree to something that destroys.
 *
 * @throws `INVALID_ARGUMENT` where there is no terminal to ask on and `yes` isn't set; `ABORTED` where the answer is no.
 */
export async function confirmDestruction(cli: Cli, yes: boolean | undefined, question: string): Promise<void> {
  if (yes === true) return;
  using terminal = openTerminal(cli);
  if (terminal === undefined) {
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      'this destroys, and there is no terminal to ask on; add --yes if it is meant; nothing was changed',
    );
  }
  const { confirm, isCancel } = await import('@clack/prompts');
  const answer = await confirm({
    message: question,
    initialValue: false,
    input: terminal.input,
    output: terminal.output,
    signal: cli.signal,
    withGuide: false,
  });
  if (isCancel(answer) || !answer) cancelled();
}
