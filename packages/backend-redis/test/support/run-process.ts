import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM: string = fileURLToPath(new URL('store-process.ts', import.meta.url));

/** Runs a job of `store-process.ts` to its end, which it must reach by itself; @throws Error with what it printed */
export async function runJob(location: string, job: string, count = 0): Promise<void> {
  const argv = ['--conditions=@securestore/source', '--no-warnings', PROGRAM, location, job, String(count)];
  await promisify(execFile)(process.execPath, argv, { timeout: 120_000 });
}
