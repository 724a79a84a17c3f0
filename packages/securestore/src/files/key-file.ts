import { randomBytes } from 'node:crypto';
import type { UnlockSecretMethod } from '@securestore/crypto';
import { keyFileContents } from '@securestore/crypto';
import { withSecretFile, writeSecretFile } from './secret-files.ts';

const KEY_BYTES = 32;

/**
 * Unlocks by the whole contents of a file of 32 bytes to 1 MiB that nobody can guess; see {@link generateKeyFile}.
 * The file is read when the store is opened, and again if its slot is gone while the store is open.
 */
export function keyFile(path: string): UnlockSecretMethod {
  return {
    type: 'keyFile',
    secret: () => withSecretFile(path, 'key file', (contents) => keyFileContents(async () => contents).secret()),
  };
}

/**
 * Writes a key file of 32 random bytes that only its owner may read.
 *
 * @throws SecureStoreError `ALREADY_EXISTS` where a file is; `UNAVAILABLE` where none can be written
 */
export async function generateKeyFile(path: string): Promise<void> {
  const key = randomBytes(KEY_BYTES);
  try {
    await writeSecretFile(path, 'key file', key);
  } finally {
    key.fill(0);
  }
}
