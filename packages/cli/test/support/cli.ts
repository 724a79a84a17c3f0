import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@securestore/jobs';
import { createStore, generateKeyFile, keyFile, openStore, type StoreOptions } from 'securestore';
import { onTestFinished, type TestContext } from 'vitest';
import { TORTURE } from '../../../../tools/campaigns/src/size.ts';
import { ARGON2_ONCE } from '../../../../tools/docs-check/src/run/derive-once.ts';
import { DERIVED, runBeside, runIn } from './in-process.ts';

/** What runs the command line, as bundled from its sources when the tests began. */
export const COMMAND: readonly string[] = [
  process.execPath,
  '--require',
  ARGON2_ONCE,
  fileURLToPath(new URL('../../bin/securestore.cjs', import.meta.url)),
];

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
  /** Where a started command runs; by default in the folder of the sandbox. */
  readonly cwd?: string;
}

/** A folder in which the command line runs with nothing of the user's around it; it goes when the test has ended. */
export interface Sandbox {
  readonly path: (...parts: string[]) => string;
  /** In this process, without the start of one; in the longest runs, and for all that `start` starts, in one of its own. */
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Result>;
  readonly start: (args: readonly string[], options?: RunOptions) => ChildProcess;
  readonly env: Readonly<Record<string, string>>;
  /** Stores objects through the library, which takes no process. */
  readonly seed: (objects: Readonly<Record<string, string | Uint8Array>>, options?: StoreOptions) => Promise<void>;
  /** As {@link seed}, with what has expired. */
  readonly seedExpired: (objects: Readonly<Record<string, string | Uint8Array>>) => Promise<void>;
  /** Adds slots until there are so many. */
  readonly fill: (slots: number) => Promise<void>;
}

/** What waits for other processes, for seconds. */
const WAITING = /^(?:rotate|migrate|slots? remove|keys? destroy)\b/;

const BEHIND = 300_000;

const noStore = (): Promise<never> => Promise.reject(new Error('there is no store'));

/**
 * Makes a {@link Sandbox}, with a store at `scheme` that a key file unlocks unless `scheme` is `none`.
 *
 * @param onEnd the hook of the test itself, where several run at a time: the global one knows only of one test
 */
export async function sandbox(
  scheme: 'sqlite' | 'file' | 'none' = 'sqlite',
  onEnd: TestContext['onTestFinished'] = onTestFinished,
): Promise<Sandbox> {
  const folder = await mkdtemp(join(tmpdir(), 'securestore-cli-'));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  const path = (...parts: string[]): string => join(folder, ...parts);
  const env: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_STATE_HOME: path('state'),
    NO_COLOR: '1',
    // Tests of workers say so; for others, more processes only cost time.
    SECURESTORE_WORKERS: '1',
    // What one process has compiled the next one need not.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? '',
    ARGON2_ONCE: DERIVED,
  };
  const isAlone = onEnd === onTestFinished;
  const start = (args: readonly string[], { env: more = {}, cwd = folder }: RunOptions = {}): ChildProcess => {
    const [node = '', ...first] = COMMAND;
    return spawn(node, [...first, ...args], { cwd, env: { ...env, ...more } });
  };
  const run = async (args: readonly string[], options: RunOptions = {}): Promise<Result> => {
    const { env: more = {}, input = '' } = options;
    // What `exec` starts writes to the terminal of the process itself.
    const isInside = !TORTURE && !args.includes('exec');
    if (isInside && (isAlone || !WAITING.test(args.join(' '))))
      return await runIn(folder, args, { env: { ...env, ...more }, input });
    if (isInside) return await runBeside(folder, args, { env: { ...env, ...more }, input });
    const child = start(args, options);
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
    return await finished(child);
  };
  if (scheme === 'none') return { path, run, start, env, seed: noStore, seedExpired: noStore, fill: noStore };
  const url = `${scheme}:${path('vault')}`;
  await mkdir(path('credentials'));
  const key = path('credentials', 'securestore-key');
  await generateKeyFile(key);
  await (await createStore(url, { unlock: keyFile(key) })).close();
  env['SECURESTORE_URL'] = `${scheme}:./vault`;
  env['CREDENTIALS_DIRECTORY'] = path('credentials');
  const seed = async (
    objects: Readonly<Record<string, string | Uint8Array>>,
    options?: StoreOptions,
    clock = systemClock(),
  ): Promise<void> => {
    const store = await openStore(url, { unlock: keyFile(key), clock });
    const items = Object.entries(objects).map(([name, data]) => ({ key: name, data, ...options }));
    const results = await store.storeMany(items);
    await store.close();
    for (const result of results) if (!result.ok) throw result.error;
  };
  const seedExpired: Sandbox['seedExpired'] = async (objects) => {
    // By a clock that is behind: however long it takes, what is expired already still has time left.
    const clock = { ...systemClock(), now: () => Date.now() - BEHIND };
    await seed(objects, { expires: new Date() }, clock);
  };
  const fill = async (slots: number): Promise<void> => {
    await using store = await openStore(url, { unlock: keyFile(key) });
    for (let number = 1; number < slots; number++) await store.slots.add(Buffer.alloc(32, number));
  };
  return { path, run, start, env, seed, seedExpired, fill };
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
