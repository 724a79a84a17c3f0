import { chmod, lstat, mkdtemp, readdir, readFile, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

/** A file system in memory that Linux has. */
const MEMORY = '/dev/shm';
/** Folders of runs are named after their process, so that a later run removes what a killed one has left. */
const FOLDER = /^securestore-(?<pid>\d+)-\w+$/;
/** Files of a whole run are at most some hundred megabytes. In bytes. */
const NEEDED = 2 * 2 ** 30;

/** The variables with the folders for temporary files, which are set if those of most tests are in memory. */
const DISK_VARIABLE = 'SECURESTORE_TEST_DISK';
const MEMORY_VARIABLE = 'SECURESTORE_TEST_MEMORY';

/** Tests of files, of what a power cut leaves of them, and of databases in files. */
const OF_DISKS: RegExp =
  /\/(?:backend-fs|backend-sqlite)\/test\/|\/crash-images|\/audit\/test\/file\/|\/backend-api\/test\/contract\//;

/** The facts that decide if temporary files of tests may be in memory. */
export interface Machine {
  /** `/proc/mounts`; empty where there is none. */
  readonly mounts: string;
  /** The space that the file system in memory has left, in bytes. */
  readonly freeBytes: number;
  /** `/proc/meminfo`; empty where there is none. */
  readonly memory: string;
  /** `TMPDIR`, as it was given. */
  readonly given: string | undefined;
}

/** Why temporary files are on the disk; `undefined` if they may be in memory. */
export function whyOnDisk({ mounts, freeBytes, memory, given }: Machine): string | undefined {
  if (given) return 'TMPDIR is set';
  // The last one mounted hides those before it.
  const [, , type, options = ''] =
    mounts
      .split('\n')
      .map((line) => line.split(' '))
      .findLast(([, path]) => path === MEMORY) ?? [];
  if (type !== 'tmpfs') return `${MEMORY} is not in memory`;
  const flags = new Set(options.split(','));
  // Containers often have it so, and tests start programs that they have written.
  if (flags.has('noexec') || flags.has('ro')) return `${MEMORY} is mounted with ${flags.has('ro') ? 'ro' : 'noexec'}`;
  const available = Number(/^MemAvailable: +(?<kib>\d+) kB$/m.exec(memory)?.groups?.['kib'] ?? 0) * 1024;
  if (!(freeBytes >= NEEDED)) return `${MEMORY} has less than 2 GiB left`;
  // The tests themselves need as much.
  return available >= 2 * NEEDED ? undefined : 'less than 4 GiB of memory are available';
}

async function machine(): Promise<Machine> {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  const [mounts, memory] = await Promise.all(
    ['/proc/mounts', '/proc/meminfo'].map((file) => readFile(file, 'utf8').catch(() => '')),
  );
  return { mounts: mounts ?? '', memory: memory ?? '', freeBytes: bavail * bsize, given: process.env['TMPDIR'] };
}

/** Has the tests of a file, which share a process with others, use the folder that is for them. */
export function useTemporaryFolder(testFile: string, env: NodeJS.ProcessEnv = process.env): void {
  const folder = env[OF_DISKS.test(testFile) ? DISK_VARIABLE : MEMORY_VARIABLE];
  if (folder !== undefined) env['TMPDIR'] = folder;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Removes what runs have left that were killed. */
export async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = FOLDER.exec(name)?.groups?.['pid'];
    if (pid === undefined || isRunning(Number(pid))) continue;
    const folder = join(parent, name);
    // In one of another user, who could put a link into it meanwhile, root would delete what that leads to.
    if (await isOwn(folder)) await rm(folder, REMOVAL).catch(() => undefined);
  }
}

async function isOwn(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

const REMOVAL = { recursive: true, force: true, maxRetries: 3 } as const;

/**
 * A global setup of Vitest: temporary files of tests and servers are in memory if there is room. The kernel then has much
 * less to do than for a disk, and no test waits for those of others to be flushed.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  const disk = tmpdir();
  const reason = whyOnDisk(await machine());
  console.log(`  temporary files: ${reason === undefined ? MEMORY : `${disk}, since ${reason}`}`);
  if (reason !== undefined) return undefined;
  await removeAbandoned(MEMORY);
  const folder = await mkdtemp(join(MEMORY, `securestore-${process.pid}-`));
  // Servers of other users have their folders in it, of which they know the names.
  await chmod(folder, 0o711);
  Object.assign(process.env, { TMPDIR: folder, [DISK_VARIABLE]: disk, [MEMORY_VARIABLE]: folder });
  return async () => {
    for (const name of ['TMPDIR', DISK_VARIABLE, MEMORY_VARIABLE]) delete process.env[name];
    await rm(folder, REMOVAL);
  };
}
