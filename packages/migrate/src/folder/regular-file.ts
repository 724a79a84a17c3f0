import { constants } from 'node:fs';
import { type FileHandle, open, readlink } from 'node:fs/promises';
import { fileError, SecureStoreError } from '@securestore/core-format';

/** An open regular file and its length in bytes. */
export interface OpenFile extends AsyncDisposable {
  readonly size: number;
  /** The file's bytes from its beginning; may be taken several times, one after another. */
  readonly read: () => AsyncIterable<Uint8Array>;
}

const READ_BYTES = 256 * 1024;
const LEAST_READ = 512;

async function* readFrom(file: FileHandle, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  // One byte more than there seems to be: a short file takes one read and the one that finds its end. Some say that they are empty.
  const length = Math.min(READ_BYTES, Math.max(size + 1, LEAST_READ));
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

/** How a file is opened. */
interface Opening {
  /** The name of the file in errors that don't belong to an item. */
  readonly shown?: string;
  /** Whether `path` has no links, and the file must be the one there: also if a folder above it became a link since it was listed. */
  readonly isReal?: boolean;
}

/** @throws SecureStoreError if a file is not at the path at which it was opened, as far as the system shows that */
async function checkIsAt(file: FileHandle, path: string, what: string): Promise<void> {
  const at =
    process.platform === 'linux' ? await readlink(`/proc/self/fd/${file.fd}`).catch(() => undefined) : undefined;
  if (at === undefined || at === path) return;
  const message = `${what}: it, or a folder that it is in, was moved or removed since it was listed`;
  throw new SecureStoreError('INVALID_ARGUMENT', message, { advice: [{ id: 'try-again' }] });
}

/** Opens a regular file without following a link in the last part of `path`, also if it became one since it was listed. */
export async function openRegularFile(
  path: string,
  signal: AbortSignal,
  { shown, isReal = false }: Opening = {},
): Promise<OpenFile> {
  const what = shown === undefined ? 'cannot read the file' : `cannot read the file "${shown}"`;
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    const file = await open(path, flags);
    try {
      const stats = await file.stat();
      if (!stats.isFile()) throw new SecureStoreError('INVALID_ARGUMENT', `${what}: not a regular file`);
      if (isReal) await checkIsAt(file, path, what);
      return {
        size: stats.size,
        read: () => readFrom(file, stats.size, signal),
        [Symbol.asyncDispose]: () => file.close(),
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    throw fileError(error, what);
  }
}

/**
 * All the bytes of a file that is known to be short.
 *
 * @param most how many there may be: another process may still write to it
 * @throws SecureStoreError `TOO_LARGE`
 */
export async function readBytes(file: OpenFile, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of file.read()) {
    length += chunk.byteLength;
    if (length > most) {
      const message = `cannot read the file: more than ${most} bytes, it has grown since it was listed`;
      throw new SecureStoreError('TOO_LARGE', message);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
