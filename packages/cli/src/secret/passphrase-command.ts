import { spawn } from 'node:child_process';
import { withoutOwn } from '@securestore/core-format';
import { refusal } from '../errors/refuse.ts';
import type { Cli } from '../terminal/cli-context.ts';
import { LONGEST_PASSPHRASE, withoutLineEnd } from './secret-bytes.ts';

const BY_ITSELF = 'run that command by itself: it must print the passphrase alone, and exit with 0';

function refuse(reason: string, cause?: unknown): never {
  throw refusal('INVALID_ARGUMENT', `the passphrase command ${reason}`, { cause, hints: [{ text: BY_ITSELF }] });
}

interface Ending {
  readonly output: Uint8Array;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** All that the command writes, up to a little more than a passphrase may have. The buffer for it is wiped. */
async function outputOf({ stdin, env, signal }: Cli, command: string): Promise<Ending> {
  const buffer = new Uint8Array(LONGEST_PASSPHRASE + 3);
  let length = 0;
  // Its questions reach the person by the terminal. A pipe on stdin is the data of our own command, and stays that.
  const child = spawn(command, {
    shell: true,
    env: withoutOwn(env),
    stdio: [stdin.isTTY === true ? 'inherit' : 'ignore', 'pipe', 'inherit'],
    signal,
  });
  child.stdout.on('data', (chunk: Buffer) => {
    buffer.set(chunk.subarray(0, buffer.length - length), length);
    length = Math.min(buffer.length, length + chunk.length);
    chunk.fill(0);
  });
  try {
    const [code, ended] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (...ending) => resolve(ending));
    });
    return { output: buffer.slice(0, length), code, signal: ended };
  } finally {
    buffer.fill(0);
  }
}

/**
 * Runs a command by the shell, and reads the passphrase from its stdout: the bytes without one trailing line end. The command
 * inherits stderr, and stdin if that is a terminal, and has none of our own variables.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` if the command fails, or writes nothing or more than {@link LONGEST_PASSPHRASE}
 *   bytes; `signal.reason` of an interrupt. The message has neither the command, which may name a secret, nor its output.
 */
export async function runPassphraseCommand(cli: Cli, command: string): Promise<Uint8Array> {
  if (command.trim() === '') refuse('is empty');
  cli.signal.throwIfAborted();
  const { output, code, signal } = await outputOf(cli, command).catch((error: unknown) => {
    cli.signal.throwIfAborted();
    refuse('cannot be started', error);
  });
  try {
    if (signal !== null) refuse(`was ended by ${signal}`);
    if (code !== 0) refuse(`failed with exit code ${code}`);
    const secret = withoutLineEnd(output);
    if (secret.length === 0) refuse('wrote nothing to stdout');
    if (secret.length > LONGEST_PASSPHRASE) refuse(`wrote more than ${LONGEST_PASSPHRASE} bytes to stdout`);
    return secret.slice();
  } finally {
    output.fill(0);
  }
}
