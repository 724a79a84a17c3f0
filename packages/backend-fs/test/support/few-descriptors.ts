import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./few-descriptors-process.ts', import.meta.url));

/** Of which Node itself takes some twenty. */
const DESCRIPTORS = 64;

/** Why no process can be given few descriptors here; `undefined` where it can. */
export const NO_LIMITS: string | undefined = process.platform === 'win32' ? 'it needs a shell with ulimit' : undefined;

/** What the program in `few-descriptors-process.ts` says of a call that ended. */
export interface Said {
  readonly status: 'done' | 'failed';
  readonly code?: string;
  readonly message?: string;
  readonly retryable?: boolean;
}

/** Runs the program in a process that may have few files open. */
export async function withFewDescriptors(packageName: string, url: string, act: string): Promise<Said[]> {
  // On the packages as bundled when the tests began, which load in half of the time.
  const node = [process.execPath, '--no-warnings', PROGRAM, packageName, url, act];
  const child = spawn('sh', ['-c', `ulimit -n ${DESCRIPTORS} && exec "$@"`, 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return said
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Said);
}
