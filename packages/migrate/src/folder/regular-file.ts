import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { fileError, SecureStoreError } from '@securestore/core-format';

/** An open regular file and its length in bytes. */
export interface OpenFile extends AsyncDisposable {
  readonly size: number;
  /** The file's bytes from its beginning; may be taken several times, one after another. */
  readonly read: () => AsyncIterable<Uint8Array>;
}

const READ_BYTES = 256 * 1024;

async function* readFrom(file: FileHandle, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  // One byte more than there seems to be: a short file takes one read and the one that finds its end.
  const length = Math.min(READ_BYTES, size + 1);
  let position = 0;
  while (true) {
    signal.throwIfAborted();
    // A buffer of its own for each chunk: the reader may keep it while the next one is read.
    const buffer = new Uint8Array(length);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * Opens a regular file without following a link in the last part of `path`, also if it became one since it was listed.
 *
 * @param shown what errors call it, where they don't belong to one
 */
export async function openRegularFile(path: string, signal: AbortSignal, shown?: string): Promise<OpenFile> {
  const what = shown === undefined ? 'cannot read the file' : `cannot read the file "${shown}"`;
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    const file = await open(path, flags);
    const stats = await file.stat();
    if (!stats.isFile()) {
      await file.close();
      throw new SecureStoreError('INVALID_ARGUMENT', `${what}: it is no regular file`);
    }
    return {
      size: stats.size,
      read: () => readFrom(file, stats.size, signal),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (error) {
    throw fileError(error, what);
  }
}

/** All the bytes of a file that is known to be short. */
export async function readBytes(file: OpenFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
