import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Disk, type Step } from './disk.ts';
import { isSharedMemory, Recorder } from './recorder.ts';
import { type Kill, type Run, traced } from './traced-calls.ts';
import { callsOf } from '../trace/tracer.ts';

/** What a process did below one folder, and what it said, in the order in which it did. */
export interface Recording extends Disposable {
  /** The folder. Images of it are made there, since a store knows some paths of its own. */
  readonly root: string;
  /** Of before. All of it is durable. */
  readonly before: Disk;
  readonly steps: readonly Step[];
}

/** What is recorded. */
export interface RecordOptions {
  /** A module of TypeScript. What it writes to its stdout, a line with each call, is what it acknowledges. */
  readonly program: string;
  /** Its arguments, when the folder is known, and what a process before it has acknowledged that was killed. */
  readonly args: (root: string, said: readonly string[]) => readonly string[];
  /** Fills the folder before. */
  readonly prepare?: (root: string) => Promise<void>;
  readonly env?: (root: string) => Readonly<Record<string, string>>;
  /** Has a process before it killed. */
  readonly kill?: Kill | undefined;
}

/**
 * Records a process that runs to its end, and checks that what is recorded is what it did: all changes together give the folder as it is
 * in the end.
 */
export async function record(options: RecordOptions): Promise<Recording> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'securestore-images-')));
  try {
    const root = join(folder, 'disk');
    mkdirSync(root);
    await options.prepare?.(root);
    const before = diskAt(root);
    const steps = await stepsOf(options, folder, root, before);
    return { root, before, steps, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

async function stepsOf(options: RecordOptions, folder: string, root: string, before: Disk): Promise<readonly Step[]> {
  const { program, args, env = () => ({}), kill } = options;
  const runs: Run[] = [];
  const run = async (killed?: Kill): Promise<void> => {
    const said = runs.flatMap((one) => one.said);
    const log = join(folder, `log-${runs.length}`);
    runs.push(await traced({ program, args: args(root, said), env: env(root), log, kill: killed }));
  };
  const followed = (): readonly Step[] => {
    const after = before.copy();
    const recorder = new Recorder(root, after, runs.length);
    for (const call of callsOf(runs.map(({ log }) => log).join('\n'))) recorder.add(call);
    recorder.assertWhole();
    assertSame(after, diskAt(root));
    return recorder.steps;
  };
  if (kill !== undefined) {
    await run(kill);
    followed();
  }
  await run();
  return followed();
}

/** What is in a folder. */
function diskAt(root: string): Disk {
  const disk = new Disk();
  const addFolder = (folder: number, path: string): void => {
    for (const name of readdirSync(path)) {
      const stats = statSync(join(path, name));
      const node = disk.add(stats.isDirectory() ? undefined : readFileSync(join(path, name)), stats.mtimeMs / 1000);
      disk.folder(folder).set(name, node);
      if (stats.isDirectory()) addFolder(node, join(path, name));
    }
  };
  addFolder(0, root);
  return disk;
}

/** Names and bytes of all that is there, except what processes share in memory. @throws Error that names what differs */
function assertSame(recorded: Disk, actual: Disk): void {
  const [one, other] = [recorded.paths(), actual.paths()];
  for (const path of new Set([...one.keys(), ...other.keys()])) {
    const [said, found] = [one.get(path)?.bytes, other.get(path)?.bytes];
    const isSame = one.has(path) && other.has(path) && (said ?? Buffer.alloc(0)).equals(found ?? Buffer.alloc(0));
    assert.ok(isSame || isSharedMemory(path), `what was recorded of ${path} is not all that was done`);
  }
}
