import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished, type TestContext } from 'vitest';
import type { Sandbox } from './cli.ts';

/** A server in a process of its own. */
export interface Serving {
  readonly url: string;
  /** Ends it as a system does. */
  readonly stop: () => Promise<{
    readonly exitCode: number | null;
    readonly lines: readonly string[];
    readonly stderr: string;
  }>;
}

/** Serves the store of a sandbox by the command line, on a free port, until the test has ended. */
export async function serving(
  box: Sandbox,
  args: readonly string[] = [],
  onEnd: TestContext['onTestFinished'] = onTestFinished,
): Promise<Serving> {
  const child = box.start(['serve', '--port', '0', '--json', ...args]);
  onEnd(() => void child.kill('SIGKILL'));
  if (child.stdout === null || child.stderr === null) throw new Error('there is nothing to read');
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += String(chunk)));
  const lines: string[] = [];
  const reader = createInterface(child.stdout);
  reader.on('line', (line) => lines.push(line));
  const first = await Promise.race([
    once(reader, 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error(stderr))),
  ]);
  const { serving: url } = JSON.parse(String(first[0])) as { serving: string };
  const stop = async (): Promise<Awaited<ReturnType<Serving['stop']>>> => {
    child.kill('SIGTERM');
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    return { exitCode, lines, stderr };
  };
  return { url, stop };
}
