import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Stage } from './stages.ts';

const run = promisify(execFile);
/** The list of all files is some 200 KB; this leaves room. */
const MAX_OUTPUT = 64 * 1024 * 1024;
/** What npm says that it has installed. */
const INSTALLED = 'node_modules/.package-lock.json';

async function contentOf(file: string): Promise<Buffer | string> {
  try {
    return await readFile(file);
  } catch {
    // It was deleted and is still in the index, or is a link to nothing.
    return 'absent';
  }
}

/**
 * A digest of every file that git knows or would add, of what is installed, and of this Node.
 *
 * @returns `undefined` outside of a git checkout
 */
export async function digestOfSources(root: string): Promise<string | undefined> {
  let list: string;
  try {
    const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
    list = (await run('git', args, { cwd: root, maxBuffer: MAX_OUTPUT })).stdout;
  } catch {
    return undefined;
  }
  const digest = createHash('sha256').update(process.version);
  const names = [...new Set(list.split('\0'))].filter((name) => name !== '').toSorted();
  for (const name of [...names, INSTALLED]) {
    const content = createHash('sha256').update(await contentOf(join(root, name)));
    digest.update(`${JSON.stringify(name)} `).update(content.digest());
  }
  return digest.digest('hex');
}

type Held = Readonly<Record<string, string>>;

async function heldIn(file: string): Promise<Held> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Held;
  } catch {
    return {};
  }
}

/**
 * Stages that depend on the sources alone: one that held for exactly these is not run again. A failure is never
 * remembered, nor what was skipped. What a stage changes itself, such as a file that a formatter writes, is not seen before
 * the next run.
 *
 * @param file - where it is written down what held
 * @param sources - see {@link digestOfSources}
 */
export function onceForSources(stages: readonly Stage[], file: string, sources: string | undefined): Stage[] {
  if (sources === undefined) return [...stages];
  // Stages that run beside each other end at any time: each adds itself to what is there by then.
  let writing = Promise.resolve();
  const hold = async (name: string): Promise<void> => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify({ ...(await heldIn(file)), [name]: sources }));
  };
  return stages.map((stage) => ({
    ...stage,
    async run() {
      if ((await heldIn(file))[stage.name] === sources) return { passed: 1, failed: 0, skipped: 0, note: UNCHANGED };
      const tally = await stage.run();
      if (tally.failed === 0 && tally.skipped === 0) await (writing = writing.then(() => hold(stage.name)));
      return tally;
    },
  }));
}

const UNCHANGED = 'held before, and nothing has changed since';
