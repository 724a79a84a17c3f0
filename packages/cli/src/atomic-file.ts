import { constants } from 'node:fs';
import { lstat, open, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SecureStoreError } from '@securestore/core-format';
import type { Cli } from './cli-context.ts';
import { fileError, systemCodeOf } from './error-report.ts';

/** Bytes on their way to a file. */
export type ByteSource = AsyncIterable<Uint8Array>;

const TEMPORARY = /^\.securestore-[0-9a-f]{16}\.tmp$/;

/** Whether a file name is one that {@link writeFileAtomically} gives to what it has not finished. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

async function writeAll(file: FileHandle, source: ByteSource): Promise<void> {
  for await (const chunk of source) {
    let offset = 0;
    while (offset < chunk.byteLength) {
      offset += (await file.write(chunk, offset)).bytesWritten;
    }
  }
}

/**
 * Writes a file that only its owner may read (mode 0600), whole or not at all: under a temporary name beside it,
 * synced, then renamed over what was there. A link at `path` is replaced, not followed.
 *
 * @param shown what errors call it.
 * @throws what `source` throws; errors of the file system with what was tried. The temporary file is gone then.
 */
export async function writeFileAtomically(
  path: string,
  source: ByteSource,
  random: Cli['random'],
  shown: string = path,
): Promise<void> {
  const name = Buffer.from(random(8)).toString('hex');
  const temporary = join(dirname(path), `.securestore-${name}.tmp`);
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0);
  let created = false;
  try {
    {
      await using file = await open(temporary, flags, 0o600);
      created = true;
      await writeAll(file, source);
      await file.sync();
    }
    await rename(temporary, path);
  } catch (error) {
    if (created) await rm(temporary, { force: true });
    throw fileError(error, `cannot write the file "${shown}"`);
  }
}

/**
 * Writes to where a person said: into a device or pipe as it is, through a symbolic link to what it names, and as
 * {@link writeFileAtomically} does otherwise.
 *
 * @throws `INVALID_ARGUMENT` where that is a folder, or a file that `isOwn`.
 */
export async function writeOutputFile(
  path: string,
  source: ByteSource,
  random: Cli['random'],
  isOwn: (path: string) => boolean,
): Promise<void> {
  const kind = await kindOf(path);
  if (kind === 'folder') {
    throw new SecureStoreError('INVALID_ARGUMENT', `cannot write the file "${path}": it is a folder`);
  }
  if (kind === 'special') {
    // Renaming a file over a device such as /dev/null would destroy the device.
    try {
      await using file = await open(path, constants.O_WRONLY);
      await writeAll(file, source);
    } catch (error) {
      throw fileError(error, `cannot write to "${path}"`);
    }
    return;
  }
  const target = await targetOf(path, kind);
  if (isOwn(target)) {
    throw new SecureStoreError('INVALID_ARGUMENT', `cannot write the file "${path}": the store itself is there`);
  }
  await writeFileAtomically(target, source, random);
}

async function targetOf(path: string, kind: 'absent' | 'file' | 'link'): Promise<string> {
  try {
    return kind === 'link' ? await realpath(path) : join(await realpath(dirname(path)), basename(path));
  } catch (error) {
    throw fileError(error, `cannot write the file "${path}"`);
  }
}

async function kindOf(path: string): Promise<'absent' | 'file' | 'link' | 'folder' | 'special'> {
  try {
    const link = (await lstat(path)).isSymbolicLink();
    const target = await stat(path);
    if (target.isDirectory()) return 'folder';
    if (!target.isFile()) return 'special';
    return link ? 'link' : 'file';
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return 'absent';
    throw fileError(error, `cannot write the file "${path}"`);
  }
}
