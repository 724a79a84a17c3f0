import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Disk, type Step } from './disk.ts';
import { isSharedMemory, Recorder } from './recorder.ts';
import { tracedCalls } from './traced-calls.ts';

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
  /** Its arguments, when the folder is known. */
  readonly args: (root: string) => readonly string[];
  /** Fills the folder before. */
  readonly prepare?: (root: string) => Promise<void>;
  readonly env?: (root: string) => Readonly<Record<string, string>>;
}

/**
 * Records a process that runs to its end, and checks that what is recorded is what it did: all changes together give the folder as it is
 * in the end.
 */
export async function record({ program, args, prepare, env }: RecordOptions): Promise<Recording> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'securestore-images-')));
  const dispose = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const root = join(folder, 'disk');
    mkdirSync(root);
    await prepare?.(root);
    const before = diskAt(root);
    const calls = await tracedCalls(program, args(root), join(folder, 'log'), env?.(root) ?? {});
    const after = before.copy();
    const recorder = new Recorder(root, after);
    for (const call of calls) recorder.add(call);
    assertSame(after, diskAt(root));
    return { root, before, steps: recorder.steps, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
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
