import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { run } from '../../src/run.ts';
import { deriveOnce } from '../../../../tools/docs-check/src/run/derive-once.ts';
import type { Result } from './cli.ts';

/**
 * The folder with the keys that commands have derived from passphrases: each takes a quarter of a second of the processor.
 */
export const DERIVED: string = deriveOnce();

/** What the process of a command line is made to be. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array | Readable;
  readonly signal?: AbortSignal;
  /** Whether stdout is a terminal. */
  readonly terminal?: boolean;
  /** The system it takes itself to be on; by default the one it is on. */
  readonly platform?: NodeJS.Platform;
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

function inputOf(bytes: string | Uint8Array | Readable): Readable {
  if (bytes instanceof Readable) return bytes;
  const stdin = new PassThrough();
  stdin.end(bytes);
  return stdin;
}

/** Runs a command line in this process: the same code without the start of a process. */
export async function runHere(args: readonly string[], surroundings: Surroundings = {}): Promise<Result> {
  const {
    env = {},
    input = '',
    signal = new AbortController().signal,
    terminal = false,
    platform = process.platform,
    onOutput = () => {},
  } = surroundings;
  const out = collector(onOutput);
  const err = collector(onOutput);
  const exitCode = await run(args, {
    stdin: inputOf(input),
    stdout: Object.assign(out.stream, { isTTY: terminal }),
    stderr: err.stream,
    env,
    platform,
    now: () => new Date(),
    random: randomBytes,
    signal,
    releaseSignals: () => {},
  });
  return { exitCode, bytes: out.bytes(), stdout: out.bytes().toString(), stderr: err.bytes().toString() };
}

/** The last command line that has a turn in this process, whose working folder and environment are then its own. */
let turn: Promise<unknown> = Promise.resolve();

/** Runs a command line in this process, in a folder and with nothing else in the environment, once others have ended. */
export function runIn(
  folder: string,
  args: readonly string[],
  { env, input }: Required<Pick<Surroundings, 'env' | 'input'>>,
): Promise<Result> {
  const result = turn.then(async () => {
    const [before, environment] = [process.cwd(), { ...process.env }];
    try {
      process.chdir(folder);
      setEnvironment(env);
      return await runHere(args, { env, input });
    } finally {
      setEnvironment(environment);
      process.chdir(before);
    }
  });
  turn = result.catch(() => {});
  return result;
}

/**
 * Runs a command line in this process, while others have their turns: with whole paths where `folder` would be its working
 * folder, of which its output has nothing.
 */
export async function runBeside(
  folder: string,
  args: readonly string[],
  { env, input }: Required<Pick<Surroundings, 'env' | 'input'>>,
): Promise<Result> {
  const whole = (text: string): string => text.replace(/^(file|sqlite):(?:\.\/)?(?!\/)/, `$1:${folder}/`);
  const given = args.map((arg, at) => (args[at - 1]?.endsWith('-file') ? resolve(folder, arg) : whole(arg)));
  const { SECURESTORE_URL: url = '', SECURESTORE_PASSPHRASE_FILE: file } = env;
  // Where anchors are, the environment of the process says.
  const result = await runHere([...given, '--no-anchor'], {
    input,
    env: {
      ...env,
      SECURESTORE_URL: whole(url),
      ...(file !== undefined && { SECURESTORE_PASSPHRASE_FILE: resolve(folder, file) }),
    },
  });
  const [stdout, stderr] = [result.stdout, result.stderr].map((text) => text.replaceAll(`${folder}/`, ''));
  return { ...result, stdout: stdout ?? '', stderr: stderr ?? '' };
}

/** In place: where the home folder is, the system is asked. */
function setEnvironment(wanted: Readonly<Record<string, string | undefined>>): void {
  for (const name of Object.keys(process.env)) if (!(name in wanted)) delete process.env[name];
  Object.assign(process.env, wanted);
}
