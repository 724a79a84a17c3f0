import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { copySecret, SecureStoreError, writeNewFile } from '@securestore/core-format';

const MAX_BYTES: number = 1024 * 1024;

async function contentsOf(file: FileHandle): Promise<Buffer> {
  // One byte more than allowed, so that the check of the length detects a longer file.
  const buffer = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read) {
    ({ bytesRead: read } = await file.read(buffer, length, buffer.length - length));
  }
  const contents = copySecret(buffer.subarray(0, length));
  buffer.fill(0);
  return contents;
}

/** Checks a file before it is read. @throws SecureStoreError if it must not be used */
type Check = (file: FileHandle) => Promise<void>;

async function readSecretFile(path: string, what: string, check: Check | undefined): Promise<Buffer> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new SecureStoreError('INVALID_ARGUMENT', `the ${what} ${path} does not exist`);
    }
    throw new SecureStoreError('INVALID_ARGUMENT', `the ${what} ${path} cannot be read`, { cause: error });
  }
  try {
    await check?.(file);
    return await contentsOf(file);
  } catch (error) {
    if (SecureStoreError.is(error)) throw error;
    throw new SecureStoreError('INVALID_ARGUMENT', `the ${what} ${path} cannot be read`, { cause: error });
  } finally {
    await file.close();
  }
}

/**
 * What `use` makes of the contents of a file with a secret, up to a byte over 1 MiB. They are wiped after it.
 *
 * @param what the file, for messages: "key file"
 * @throws SecureStoreError `INVALID_ARGUMENT`, and what `check` and `use` throw
 */
export async function withSecretFile<T>(
  path: string,
  what: string,
  use: (contents: Buffer) => Promise<T>,
  check?: Check,
): Promise<T> {
  const contents = await readSecretFile(path, what, check);
  try {
    return await use(contents);
  } finally {
    contents.fill(0);
  }
}

/**
 * Writes a new file that only its owner may read.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` if the file exists; `UNAVAILABLE` if it can't be written
 */
export async function writeSecretFile(path: string, what: string, contents: Buffer): Promise<void> {
  try {
    // Durably, so that a store that lasts is never unlocked by a file that doesn't.
    await writeNewFile(path, (file) => file.writeFile(contents));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      throw new SecureStoreError('ALREADY_EXISTS', `the file ${path} already exists. It was not changed.`);
    }
    throw new SecureStoreError('UNAVAILABLE', `the ${what} ${path} cannot be written`, {
      cause: error,
      retryable: false,
    });
  }
}
