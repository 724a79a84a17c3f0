import { fileURLToPath } from 'node:url';
import process from 'node:process';
import type { WorkerOptions } from '../../src/index.ts';

export const SECRET: Buffer = Buffer.alloc(32, 9);
const WORKER: string = fileURLToPath(new URL('../processes/worker.ts', import.meta.url));

/** What workers of a store in SQLite are started with. */
export function workersOf(url: string, count: number, ...args: string[]): WorkerOptions {
  // As bundled from their sources when the tests began, they start in half of the time. They inherit these flags, which
  // `vitest.setup.ts` gives back when the tests of a file have ended.
  process.execArgv = process.execArgv.filter((flag) => !flag.startsWith('--conditions'));
  return {
    count,
    module: WORKER,
    args: [url, ...args],
    env: { ...process.env, NODE_OPTIONS: '--no-warnings' },
    secrets: async (name) => (name === 'unlock' ? [Buffer.from(SECRET)] : []),
  };
}
