import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
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
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new SecureStoreError(
      'INVALID_ARGUMENT',
      missing ? `there is no key file ${path}` : `the key file ${path} can't be read`,
      {
        cause: error,
      },
    );
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
  return keyFileContents(() => readKeyFile(path));
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
    } finally {
      await file.close();
    }
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
