import { stat } from 'node:fs/promises';
import { SecureStoreError, systemCodeOf } from '@securestore/core-format';
import { shellWord } from './terminal-text.ts';

/**
 * Makes the key file if there is none; whether it did.
 *
 * @throws `INVALID_ARGUMENT` for an empty one, which an interrupted call leaves
 */
export async function ensureKeyFile(path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (found.isFile() && found.size === 0) throw interrupted(path);
    return false;
  } catch (error) {
    if (SecureStoreError.is(error)) throw error;
    if (systemCodeOf(error) !== 'ENOENT') return false;
  }
  const { generateKeyFile } = await import('securestore');
  await generateKeyFile(path);
  return true;
}

/** No key is empty, so nothing is lost with the file. */
function interrupted(path: string): SecureStoreError {
  return new SecureStoreError(
    'INVALID_ARGUMENT',
    `the key file "${path}" is empty: a command that made it was interrupted, and no store can be opened by it. ` +
      `Nothing was changed. Remove it, and run the same command again: rm ${shellWord(path)}`,
  );
}
