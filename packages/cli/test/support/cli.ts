import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** What runs the command line from its sources. */
export const COMMAND: readonly string[] = [process.execPath, '--conditions=@securestore/source', MAIN];

/** What a command said and how it ended. */
export interface Result {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Buffer;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** A folder in which the command line runs with nothing of the user's around it; it goes when the test has ended. */
export interface Sandbox {
  readonly path: (...parts: string[]) => string;
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Result>;
  readonly start: (args: readonly string[], options?: RunOptions) => ChildProcess;
  readonly env: Readonly<Record<string, string>>;
}

/** Makes a {@link Sandbox}, with a store at `scheme` that a key file unlocks unless `scheme` is `none`. */
export async function sandbox(scheme: 'sqlite' | 'file' | 'none' = 'sqlite'): Promise<Sandbox> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-cli-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = (...parts: string[]): string => join(folder, ...parts);
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_STATE_HOME: path('state'),
    NO_COLOR: '1',
  };
  const start = (args: readonly string[], { env: more = {} }: RunOptions = {}): ChildProcess => {
    const [node = '', ...first] = COMMAND;
    return spawn(node, [...first, ...args], { cwd: folder, env: { ...env, ...more } });
  };
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Result> => {
    const child = start(args, options);
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
    return await finished(child);
  };
  if (scheme !== 'none') {
    env['SECURESTORE_URL'] = `${scheme}:./vault`;
    const made = await run(['init', '--key-file', 'vault.key']);
    if (made.exitCode !== 0) throw new Error(`init failed: ${made.stderr}`);
    await mkdir(path('credentials'));
    await copyFile(path('vault.key'), path('credentials', 'securestore-key'));
    env['CREDENTIALS_DIRECTORY'] = path('credentials');
  }
  return { path, run, start, env };
}

/** What a started command said, when it has ended. */
export async function finished(child: ChildProcess): Promise<Result> {
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => void out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => void err.push(chunk));
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const bytes = Buffer.concat(out);
  return { exitCode, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err).toString() };
}

/** The JSON lines of a text. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line));
}
