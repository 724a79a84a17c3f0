import { constants } from 'node:fs';
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError, SecureStoreError, systemCodeOf } from '@securestore/core-format';
import type { ByteSource } from '@securestore/migrate';
import { writeFileAtomically } from '@securestore/migrate/lazy';
import type { Cli } from './cli-context.ts';

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
      await file.writeFile(source);
    } catch (error) {
      throw fileError(error, `cannot write to "${path}"`);
    }
    return;
  }
  const target = await targetOf(path, kind);
  if (isOwn(target)) {
    throw new SecureStoreError('INVALID_ARGUMENT', `cannot write the file "${path}": the store itself is there`);
  }
  await writeFileAtomically(target, source, { random });
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
