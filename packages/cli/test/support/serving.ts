import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished, type TestContext } from 'vitest';
import { SIZE } from '../../../../tools/campaigns/src/size.ts';
import { jsonLines, type Sandbox } from './cli.ts';
import { runHere } from './in-process.ts';

/** A server. */
export interface Serving {
  readonly url: string;
  /** Ends it as a system does. */
  readonly stop: () => Promise<{
    readonly exitCode: number | null;
    readonly lines: readonly string[];
    readonly stderr: string;
  }>;
}

/**
 * Serves the store of a sandbox by the command line, on a free port, until the test has ended: in this process in a short
 * run, otherwise in one of its own.
 *
 * @param args - with the whole path of each file
 */
export async function serving(
  box: Sandbox,
  args: readonly string[] = [],
  onEnd: TestContext['onTestFinished'] = onTestFinished,
): Promise<Serving> {
  return SIZE === 'short' ? servingHere(box, args, onEnd) : servingApart(box, args, onEnd);
}

async function servingHere(
  box: Sandbox,
  args: readonly string[],
  onEnd: TestContext['onTestFinished'],
): Promise<Serving> {
  const begun = Promise.withResolvers<string>();
  const end = new AbortController();
  const ending = runHere(['serve', '--port', '0', '--json', '--no-anchor', ...args], {
    env: { ...box.env, SECURESTORE_URL: `sqlite:${box.path('vault')}` },
    signal: end.signal,
    onOutput: (text) => begun.resolve(text),
  });
  const stop = async (): Promise<Awaited<ReturnType<Serving['stop']>>> => {
    end.abort();
    const { exitCode, stdout, stderr } = await ending;
    return { exitCode, lines: stdout.trimEnd().split('\n'), stderr };
  };
  onEnd(async () => void (await stop()));
  const [{ serving: url } = {}] = jsonLines(await begun.promise);
  if (typeof url !== 'string') throw new Error((await stop()).stderr);
  return { url, stop };
}

/** In a process of its own. */
export async function servingApart(
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
