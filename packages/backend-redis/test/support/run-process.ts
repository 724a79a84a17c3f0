import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

async function run(program: string, argv: readonly string[], timeout: number): Promise<void> {
  const path = fileURLToPath(new URL(program, import.meta.url));
  await promisify(execFile)(process.execPath, ['--conditions=@securestore/source', '--no-warnings', path, ...argv], {
    timeout,
  });
}

/** Runs a job of `store-process.ts` to its end, which it must reach by itself; @throws Error with what it printed */
export async function runJob(location: string, job: string, count = 0): Promise<void> {
  await run('store-process.ts', [location, job, String(count)], 120_000);
}

/** The same of `bulk-process.ts`. */
export async function runBulk(location: string, job: 'names' | 'stream', count: number): Promise<void> {
  await run('bulk-process.ts', [location, job, String(count)], 3_000_000);
}
