import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAMS: URL = new URL('./programs/', import.meta.url);

/** Runs one of `programs/` in a process of its own and returns the number that it prints. */
export async function numberFrom(program: string, ...args: readonly string[]): Promise<number> {
  const file = fileURLToPath(new URL(`${program}.ts`, PROGRAMS));
  const { stdout } = await promisify(execFile)(process.execPath, [file, ...args]);
  const value = Number(stdout.trim());
  if (!Number.isFinite(value)) throw new Error(`${program} printed no number but ${JSON.stringify(stdout)}.`);
  return value;
}
