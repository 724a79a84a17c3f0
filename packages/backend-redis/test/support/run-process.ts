import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { TORTURE } from '../../../../tools/campaigns/src/size.ts';

const STORE: URL = new URL('store-process.ts', import.meta.url);
const BULK: URL = new URL('bulk-process.ts', import.meta.url);

async function run(program: URL, argv: readonly string[], timeout: number): Promise<void> {
  // On the packages as bundled when the tests began, which load in half of the time.
  const command = ['--no-warnings', fileURLToPath(program), ...argv];
  await promisify(execFile)(process.execPath, command, { timeout });
}

/** Runs a job of `store-process.ts` to its end, which it must reach by itself; @throws Error with what it printed */
export async function runJob(url: string, job: string, count = 0, timeout = 600_000): Promise<void> {
  await run(STORE, [url, job, String(count)], timeout);
}

/** So many processes count at a time in {@link countTogether}. */
export const COUNTERS = TORTURE ? 8 : 4;

/** Has processes add to one counter at the same time, and checks what it is in the end. @param each how often each adds one */
export async function countTogether(url: string, each: number): Promise<void> {
  await runJob(url, 'increment', 0);
  await Promise.all(Array.from({ length: COUNTERS }, async () => runJob(url, 'increment', each)));
  await runJob(url, 'total', COUNTERS * each);
}

/** The same of `bulk-process.ts`. */
export async function runBulk(url: string, job: 'names' | 'stream', count: number): Promise<void> {
  await run(BULK, [url, job, String(count)], 3_000_000);
}
