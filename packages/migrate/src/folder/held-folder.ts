import { constants } from 'node:fs';
import { lstat, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, SecureStoreError, systemCodeOf } from '@securestore/core-format';

/**
 * A folder that files are made in. On Linux it is held open and reached through its descriptor, so that it stays this
 * one even if it, or a folder above it, is replaced in the meantime. Disposing it closes it.
 */
export interface HeldFolder extends AsyncDisposable {
  /** The path by which the system reaches it. */
  readonly path: string;
  /** Whether it is held open. */
  readonly held: boolean;
}

const FOLDER = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0);

function unheld(path: string): HeldFolder {
  return { path, held: false, [Symbol.asyncDispose]: async () => {} };
}

async function hold(path: string, flags: number): Promise<HeldFolder> {
  const handle = await open(path, flags);
  return { path: `/proc/self/fd/${handle.fd}`, held: true, [Symbol.asyncDispose]: () => handle.close() };
}

/** Something else is at the path of a folder or file that is to be written. @param what such as `a symbolic link` */
export function inTheWay(name: string, what: string): SecureStoreError {
  const advice = [{ id: 'move-file-away', path: name }] as const;
  return new SecureStoreError('ALREADY_EXISTS', `${what} already exists at "${name}"`, { advice });
}

/** An export must not overwrite files of the store. */
export function isOwnFile(name: string): SecureStoreError {
  return new SecureStoreError('ALREADY_EXISTS', `"${name}" is a file of the store itself`);
}

/** Holds the folder at `path`, links followed. @throws errors of `node:fs` */
export async function holdFolder(path: string, platform: NodeJS.Platform): Promise<HeldFolder> {
  if (platform !== 'linux') return unheld(path);
  const folder = await hold(path, FOLDER);
  // If /proc is not mounted, a folder can't be reached through its descriptor.
  const reached = await stat(folder.path).catch(() => undefined);
  if (reached !== undefined) return folder;
  await folder[Symbol.asyncDispose]();
  return unheld(path);
}

/**
 * Holds the folder `name` in `parent`, making it (mode 0700) if it is missing.
 *
 * @param shown what errors call it.
 * @throws `ALREADY_EXISTS` if a symbolic link, or something else than a folder, is there.
 */
export async function enterFolder(parent: HeldFolder, name: string, shown: string): Promise<HeldFolder> {
  const path = join(parent.path, name);
  try {
    return await openFolder(parent, path, shown);
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw await refusal(error, path, shown);
  }
  try {
    await mkdir(path, { mode: 0o700 }).catch(unlessThere);
    return await openFolder(parent, path, shown);
  } catch (error) {
    throw await refusal(error, path, shown);
  }
}

/** Links are not followed: the files would be written outside the folder that they are meant for. */
async function openFolder(parent: HeldFolder, path: string, shown: string): Promise<HeldFolder> {
  if (parent.held) return await hold(path, FOLDER | constants.O_NOFOLLOW);
  const found = await lstat(path);
  if (!found.isDirectory()) throw inTheWay(shown, found.isSymbolicLink() ? 'a symbolic link' : 'a file');
  return unheld(path);
}

/** Another file may have needed the same folder at the same moment. */
function unlessThere(error: unknown): void {
  if (systemCodeOf(error) !== 'EEXIST') throw error;
}

/** The error of a folder that can't be entered; the system's codes don't tell a link from a file. */
async function refusal(cause: unknown, path: string, shown: string): Promise<unknown> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSymbolicLink() === true) return inTheWay(shown, 'a symbolic link');
  if (found?.isDirectory() === false) return inTheWay(shown, 'a file');
  return fileError(cause, `cannot create the folder "${shown}"`);
}
