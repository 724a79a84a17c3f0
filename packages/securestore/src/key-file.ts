import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SecureStoreError } from '@securestore/core-format';
import type { UnlockMethod } from '@securestore/crypto';
import { keyFileContents } from '@securestore/crypto';

const KEY_BYTES = 32;
const MAX_BYTES: number = 1024 * 1024;

async function readKeyFile(path: string): Promise<Buffer> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new SecureStoreError('INVALID_ARGUMENT', `there is no key file ${path}`);
    }
    throw new SecureStoreError('INVALID_ARGUMENT', `the key file ${path} can't be read`, { cause: error });
  }
  try {
    const buffer = Buffer.alloc(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      ({ bytesRead: read } = await file.read(buffer, length, buffer.length - length));
    }
    const contents = Buffer.from(buffer.subarray(0, length));
    buffer.fill(0);
    return contents;
  } catch (error) {
    throw new SecureStoreError('INVALID_ARGUMENT', `the key file ${path} can't be read`, { cause: error });
  } finally {
    await file.close();
  }
}

/**
 * Unlocks by the whole contents of a file of 32 bytes to 1 MiB that nobody can guess; see {@link generateKeyFile}.
 * The file is read when the store is opened.
 */
export function keyFile(path: string): UnlockMethod {
  const secret = async (): Promise<Buffer> => {
    let contents: Buffer | undefined;
    const read = async (): Promise<Buffer> => (contents = await readKeyFile(path));
    try {
      return await keyFileContents(read).secret();
    } finally {
      contents?.fill(0);
    }
  };
  return { type: 'keyFile', secret };
}

/** So that a store that lasts is never unlocked by a key file that doesn't. */
async function syncFolder(path: string): Promise<void> {
  // Windows has no handles of folders to flush.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Writes a key file of 32 random bytes that only its owner may read.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` where a file is; `UNAVAILABLE` where none can be written
 */
export async function generateKeyFile(path: string): Promise<void> {
  const key = randomBytes(KEY_BYTES);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(key);
      await file.sync();
    } catch (error) {
      // A part of a key is none, and would stand in the way of the next try.
      await rm(path, { force: true });
      throw error;
    } finally {
      await file.close();
    }
    await syncFolder(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new SecureStoreError('ALREADY_EXISTS', `there is a file ${path} already; it was left as it is`);
    }
    throw new SecureStoreError('UNAVAILABLE', `the key file ${path} can't be written`, {
      cause: error,
      retryable: false,
    });
  } finally {
    key.fill(0);
  }
}
