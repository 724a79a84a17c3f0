import { closeSync, constants, fsyncSync, mkdirSync, openSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCodeOf } from './file-error.ts';

const NEW_FILE = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);

/** A folder that this user may not read can't be opened, and some file systems of a network flush no folders. */
const UNFLUSHABLE: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EROFS']);

async function flush(path: string): Promise<void> {
  // Windows has no handles of folders to flush.
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}

/**
 * Makes durable what was created, renamed and removed in a folder, as far as its file system and the rights of this user allow. Without it a file
 * that was flushed itself is gone after a cut of power.
 *
 * @throws errors of `node:fs`
 */
export async function flushFolder(path: string): Promise<void> {
  try {
    await flush(path);
  } catch (error) {
    if (!UNFLUSHABLE.has(systemCodeOf(error))) throw error;
  }
}

/**
 * Makes a folder and those above it, durably and for their owner alone (mode 0700), if they are missing. The lowest one that is there is made
 * durable too: a process may have died right after making it. (`mkdir` with `recursive` never returns where a file system refuses as /proc does.)
 *
 * @throws errors of `node:fs`
 */
export async function makeFolderDurably(path: string): Promise<void> {
  const above = dirname(path);
  try {
    await mkdir(path, { mode: 0o700 });
    await flushFolder(dirname(above));
  } catch (error) {
    const code = systemCodeOf(error);
    if (code !== 'EEXIST') {
      if (code !== 'ENOENT' || above === path) throw error;
      await makeFolderDurably(above);
      await mkdir(path, { mode: 0o700 }).catch(unlessThere);
    }
  }
  await flushFolder(above);
}

/** As {@link flushFolder}, on the thread, and whatever keeps it from being flushed is an error. */
export function flushFolderSync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes durable that a folder is there which another process has made, as far as this user may. */
export function flushFoundSync(path: string): void {
  if (process.platform === 'win32') return;
  try {
    flushFolderSync(dirname(path));
  } catch (error) {
    if (!UNFLUSHABLE.has(systemCodeOf(error))) throw error;
  }
}

/** As {@link makeFolderDurably}, on the thread. */
export function makeFolderDurablySync(path: string): void {
  const above = dirname(path);
  try {
    mkdirSync(path, { mode: 0o700 });
    flushFoundSync(above);
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'EEXIST') return flushFoundSync(path);
    if (code !== 'ENOENT' || above === path) throw error;
    makeFolderDurablySync(above);
    mkdirSync(path, { mode: 0o700 });
  }
  flushFolderSync(above);
}

/** Another process may have made it at the same moment. */
function unlessThere(error: unknown): void {
  if (systemCodeOf(error) !== 'EEXIST') throw error;
}

/**
 * Writes a new file that only its owner may read (mode 0600), durably: a store that lasts is to be opened by it. If that can't be, no part of it
 * is left.
 *
 * @throws errors of `node:fs`, `EEXIST` if something is there
 */
export async function writeNewFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  await create(path, write);
  try {
    await flush(dirname(path));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

/**
 * Replaces a file, or makes it, whole or not at all and durably: it is written under a temporary name beside it, flushed, and renamed. Only its
 * owner may read it (mode 0600). A link at `path` is replaced, not followed.
 *
 * @param temporary a new path in the same folder
 * @throws what `write` throws; errors of `node:fs`. The temporary file is gone then.
 */
export async function replaceFile(
  path: string,
  temporary: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  await create(temporary, write);
  try {
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await flushFolder(dirname(path));
}

async function create(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  await using file = await open(path, NEW_FILE, 0o600);
  try {
    await write(file);
    await file.sync();
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
