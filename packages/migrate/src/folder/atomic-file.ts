import { randomBytes } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileError, replaceFile } from '@securestore/core-format';

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
 * Writes a file that only its owner may read (mode 0600), and replaces an older one at once. Errors call it `shown`, by default its path.
 *
 * @throws what `source` throws; SecureStoreError for what the file system refuses, with what was tried
 */
export async function writeFileAtomically(
  path: string,
  source: ByteSource,
  { shown = path, random = randomBytes }: { readonly shown?: string; readonly random?: Random } = {},
): Promise<void> {
  const temporary = join(dirname(path), temporaryName(random));
  try {
    await replaceFile(path, temporary, (file) => writeAll(file, source));
  } catch (error) {
    throw fileError(error, `cannot write the file "${shown}"`);
  }
}
