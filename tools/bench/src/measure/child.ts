import { execFile, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Contender } from './model.ts';

const PROGRAMS: URL = new URL('../programs/', import.meta.url);

/** Runs one of `programs/` in a process of its own and returns the number that it prints. */
export async function numberFrom(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const file = fileURLToPath(new URL(`${program}.ts`, PROGRAMS));
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
  });
  const value = Number(stdout.trim());
  if (!Number.isFinite(value)) throw new Error(`${program} printed no number but ${JSON.stringify(stdout)}.`);
  return value;
}

/** A program in a process of its own that goes on until it is ended. */
export interface Started {
  /** What it has printed to begin with. */
  readonly line: string;
  /** Its process. */
  readonly pid: number;
  readonly end: () => void;
}

/** Starts a program of the benchmarks that ends when its standard input does, and reads the line that it begins with. */
export async function started(file: URL, ...args: readonly string[]): Promise<Started> {
  const child = spawn(process.execPath, [fileURLToPath(file), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return { line: line.trim(), pid: child.pid ?? 0, end: () => child.stdin.end() };
}

/** A contender in a process of its own, until it is ended. */
export interface Resident extends Contender {
  readonly end: () => void;
}

/**
 * A contender whose work one of `programs/` does, in a process that lives for all samples. So neither the heap, nor the
 * compiled code, nor the garbage of another contender is in its way.
 */
export function resident(
  name: string,
  role: Contender['role'],
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Resident {
  const file = fileURLToPath(new URL(`${program}.ts`, PROGRAMS));
  const child = fork(file, args, {
    execArgv: ['--expose-gc'],
    serialization: 'advanced',
    env: { ...process.env, ...env },
  });
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`${program} ${args.join(' ')} ended with ${code}.`);
  });
  failed.catch(() => undefined);
  const sample = async (): Promise<number> => {
    const answer = once(child, 'message');
    child.send('sample');
    const [value] = (await Promise.race([answer, failed])) as [number];
    return value;
  };
  return { name, role, sample, end: () => child.connected && child.disconnect() };
}
