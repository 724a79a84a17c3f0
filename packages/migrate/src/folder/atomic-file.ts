import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileError } from '@securestore/core-format';

/** Bytes on their way to a file. */
export type ByteSource = AsyncIterable<Uint8Array>;

/** Random bytes, for the names of temporary files. */
export type Random = (size: number) => Uint8Array;

const TEMPORARY = /^\.securestore-[0-9a-f]{16}\.tmp$/;

/** Whether a file name is one that {@link writeFileAtomically} gives to what it has not finished. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

/** A new name of which {@link isTemporaryName} is true. */
export function temporaryName(random: Random): string {
  return `.securestore-${Buffer.from(random(8)).toString('hex')}.tmp`;
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
 * @param settings.shown what errors call it, by default its path
 * @throws what `source` throws; SecureStoreError for what the file system refuses, with what was tried. The temporary file
 *   is gone then.
 */
export async function writeFileAtomically(
  path: string,
  source: ByteSource,
  { shown = path, random = randomBytes }: { readonly shown?: string; readonly random?: Random } = {},
): Promise<void> {
  const temporary = join(dirname(path), temporaryName(random));
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
