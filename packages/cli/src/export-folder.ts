import { chmod, lstat, mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { SecureStoreError } from '@securestore/core-format';
import { type ByteSource, writeFileAtomically } from './atomic-file.ts';
import type { Cli } from './cli-context.ts';
import { fileError, systemCodeOf } from './error-report.ts';

/** A folder that files are written below, and never beside. */
export interface ExportFolder {
  /** Whether names that differ only in case are one file there. */
  readonly caseInsensitive: boolean;
  /**
   * Finds the place of a file, making the folders to it.
   *
   * @throws `ALREADY_EXISTS` where a symbolic link, or something of another kind, is in the way.
   */
  readonly place: (name: string) => Promise<Place>;
}

/** The place of a file. */
export interface Place {
  readonly path: string;
  /** The length in bytes of the file that is there. */
  readonly size?: number;
  readonly write: (source: ByteSource) => Promise<void>;
  /** Takes the file that is there for good, letting only its owner read it. */
  readonly keep: () => Promise<void>;
}

const OTHERS = 0o077;

function inTheWay(name: string, what: string): SecureStoreError {
  return new SecureStoreError('ALREADY_EXISTS', `${what} is in the way at "${name}"; move it away and export again`);
}

/** Opens `path` for an export, making it (mode 0700) if it is missing. Nothing of what `isOwn` is ever written to. */
export async function openExportFolder(
  path: string,
  isOwn: (path: string) => boolean,
  random: Cli['random'],
): Promise<ExportFolder> {
  let root: string;
  try {
    await makeFolders(resolve(path));
    root = await realpath(path);
  } catch (error) {
    throw fileError(error, `cannot make the folder "${path}"`);
  }
  const caseInsensitive = await ignoresCase(root, random);
  const folders = new Map<string, Promise<void>>([['.', Promise.resolve()]]);

  /** Each folder is made or looked at once; what two files below it need is the same promise. */
  function ensureFolder(name: string): Promise<void> {
    const known = folders.get(name);
    if (known !== undefined) return known;
    const made = ensureFolder(dirname(name)).then(() => makeFolder(join(root, name), name));
    folders.set(name, made);
    return made;
  }

  return {
    caseInsensitive,
    place: async (name) => {
      await ensureFolder(dirname(name));
      const target = join(root, name);
      if (isOwn(target)) throw inTheWay(name, 'the store itself');
      const mode = await regularFile(target, name);
      return {
        path: target,
        ...(mode === undefined ? {} : { size: mode.size }),
        write: (source) => writeFileAtomically(target, source, random),
        keep: async () => {
          if (mode !== undefined && (mode.mode & OTHERS) !== 0) await chmod(target, 0o600);
        },
      };
    },
  };
}

/** Makes a folder and those above it. (`mkdir` with `recursive` never returns where a file system refuses as /proc does.) */
async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'EEXIST') return;
    const above = dirname(path);
    if (code !== 'ENOENT' || above === path || (await exists(above))) throw error;
    await makeFolders(above);
    await makeFolders(path);
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function makeFolder(path: string, name: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw fileError(error, `cannot make the folder "${name}"`);
    const found = await lstat(path);
    // Through a link the files would land outside the folder that they were meant for.
    if (found.isSymbolicLink()) throw inTheWay(name, 'a symbolic link');
    if (!found.isDirectory()) throw inTheWay(name, 'a file');
  }
}

async function regularFile(path: string, name: string): Promise<{ size: number; mode: number } | undefined> {
  try {
    const found = await lstat(path);
    if (found.isSymbolicLink()) throw inTheWay(name, 'a symbolic link');
    if (found.isDirectory()) throw inTheWay(name, 'a folder');
    if (!found.isFile()) throw inTheWay(name, 'a device or pipe');
    return { size: found.size, mode: found.mode };
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw fileError(error, `cannot write the file "${name}"`);
  }
}

async function ignoresCase(root: string, random: Cli['random']): Promise<boolean> {
  const name = `.securestore-${Buffer.from(random(8)).toString('hex')}.tmp`;
  const path = join(root, name);
  try {
    await (await open(path, 'wx', 0o600)).close();
    const same = await exists(join(root, name.toUpperCase()));
    await rm(path);
    return same;
  } catch (error) {
    throw fileError(error, `cannot write into the folder "${root}"`);
  }
}
