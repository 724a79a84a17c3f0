import { stat } from 'node:fs/promises';
import { SecureStoreError, shellPath, systemCodeOf } from '@securestore/core-format';
import { refusal } from '../errors/refuse.ts';

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
  return refusal('INVALID_ARGUMENT', `the key file "${path}" is empty. Nothing was changed.`, {
    hints: [
      {
        text: 'an interrupted command left it, and it unlocks no store; to remove it',
        command: `rm ${shellPath(path)}`,
      },
      { text: 'then try again', again: true },
    ],
  });
}
