import { randomBytes } from 'node:crypto';
import { PassThrough, type Readable, Writable } from 'node:stream';
import { run } from '../../src/run.ts';
import type { Result } from './cli.ts';

/** What the process of a command line is made to be. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
  /** Whether stdout is a terminal. */
  readonly terminal?: boolean;
  /** Told what the command says while it runs. */
  readonly onOutput?: (text: string) => void;
}

function collector(onOutput: (text: string) => void): { readonly stream: Writable; readonly bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      onOutput(chunk.toString());
      done();
    },
  });
  return { stream, bytes: () => Buffer.concat(chunks) };
}

function inputOf(text: string): Readable {
  const stdin = new PassThrough();
  stdin.end(text);
  return stdin;
}

/** Runs a command line in this process: the same code without the start of a process. */
export async function runHere(args: readonly string[], surroundings: Surroundings = {}): Promise<Result> {
  const {
    env = {},
    input = '',
    signal = new AbortController().signal,
    terminal = false,
    onOutput = () => {},
  } = surroundings;
  const out = collector(onOutput);
  const err = collector(onOutput);
  const exitCode = await run(args, {
    stdin: inputOf(input),
    stdout: Object.assign(out.stream, { isTTY: terminal }),
    stderr: err.stream,
    env,
    platform: process.platform,
    now: () => new Date(),
    random: randomBytes,
    signal,
    releaseSignals: () => {},
  });
  return { exitCode, bytes: out.bytes(), stdout: out.bytes().toString(), stderr: err.bytes().toString() };
}
