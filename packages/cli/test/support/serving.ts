import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished, type TestContext } from 'vitest';
import { SIZE } from '../../../../tools/campaigns/src/size.ts';
import { jsonLines, type Sandbox } from './cli.ts';
import { runHere } from './in-process.ts';

/** How a server has ended, and what it has said. */
interface Ended {
  readonly exitCode: number | null;
  readonly lines: readonly string[];
  readonly stderr: string;
}

/** A server. */
export interface Serving {
  readonly url: string;
  readonly ended: Promise<Ended>;
  /** Ends it as a system does. */
  readonly stop: () => Promise<Ended>;
}

/** A server in a process of its own. */
export interface ServingApart extends Serving {
  /** What it has logged by now. */
  readonly logged: () => string;
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
    // What it logs is not what it answers.
    onOutput: (text) => (text.startsWith('{"serving"') ? begun.resolve(text) : undefined),
  });
  const ended = ending.then(({ exitCode, stdout, stderr }) => ({
    exitCode,
    lines: stdout.trimEnd().split('\n'),
    stderr,
  }));
  const stop = async (): Promise<Ended> => {
    end.abort();
    return ended;
  };
  onEnd(async () => void (await stop()));
  ended.then(
    ({ stderr }) => begun.reject(new Error(stderr)),
    (error: unknown) => begun.reject(error),
  );
  const [{ serving: url } = {}] = jsonLines(await begun.promise);
  return { url: String(url), ended, stop };
}

/** In a process of its own. */
export async function servingApart(
  box: Sandbox,
  args: readonly string[] = [],
  onEnd: TestContext['onTestFinished'] = onTestFinished,
): Promise<ServingApart> {
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
  const ended = once(child, 'close').then(([exitCode]): Ended => ({
    exitCode: exitCode as number | null,
    lines,
    stderr,
  }));
  const stop = async (): Promise<Ended> => {
    child.kill('SIGTERM');
    return ended;
  };
  return { url, ended, stop, logged: () => stderr };
}
