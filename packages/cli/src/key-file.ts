import { access } from 'node:fs/promises';
import { systemCodeOf } from '@securestore/core-format';

/** Makes the key file if there is none; whether it did. */
export async function ensureKeyFile(path: string): Promise<boolean> {
  try {
    await access(path);
    return false;
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') return false;
  }
  const { generateKeyFile } = await import('securestore');
  await generateKeyFile(path);
  return true;
}
