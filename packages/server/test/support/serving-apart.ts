import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { until } from './worker-world.ts';

const SERVER = fileURLToPath(new URL('../processes/working-server.ts', import.meta.url));

/** A server with two workers in a process of its own. */
export interface ServingApart {
  readonly child: ChildProcess;
  readonly url: string;
  readonly workers: readonly number[];
}

/** Whether a process has not ended. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/**
 * Serves the store at a store URL until the test has ended.
 *
 * @param temp the folder for temporary files of the server
 */
export async function servingApart(
  url: string,
  temp: string,
  { port = '0', trouble = '' }: { readonly port?: string; readonly trouble?: string } = {},
): Promise<ServingApart> {
  const child = fork(SERVER, [url, port, trouble], {
    execArgv: ['--no-warnings'],
    env: { ...process.env, TMPDIR: temp },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const workers: number[] = [];
  let found = '';
  child.on('message', (message: { readonly url?: string; readonly pid?: number }) => {
    if (message.url !== undefined) found = message.url;
    if (message.pid !== undefined) workers.push(message.pid);
  });
  await until('the server and its workers are ready', () => workers.length === 2 && found !== '');
  return { child, url: found, workers };
}

/** A new folder for temporary files. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ss-temp-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
