import type { FileHandle } from 'node:fs/promises';
import { SecureStoreError } from '@securestore/core-format';
import type { UnlockSecretMethod } from '@securestore/crypto';
import { generateIdentity, identity, recipientOf } from '@securestore/crypto';
import { withSecretFile, writeSecretFile } from './secret-files.ts';

const OTHERS = 0o077;

async function refuseShared(file: FileHandle, path: string): Promise<void> {
  // Windows has no such mode.
  if (process.platform === 'win32' || ((await file.stat()).mode & OTHERS) === 0) return;
  throw new SecureStoreError('INVALID_ARGUMENT', `the identity file ${path} can be read or changed by other users`, {
    advice: [{ id: 'restrict-file', path }],
  });
}

/**
 * Unlocks by the identity in a file that only its owner can read, see {@link generateIdentityFile}. The file is read when
 * the store is opened. It may hold lines `fingerprint: …` of the stores that it is known to open; any other store must be
 * known by the option `fingerprint` or an anchor, or be trusted when it is first used.
 */
export function identityFile(path: string): UnlockSecretMethod {
  const withText = <T>(use: (text: Buffer) => Promise<T>): Promise<T> =>
    withSecretFile(path, 'identity file', use, (file) => refuseShared(file, path));
  return {
    type: 'recipient',
    secret: () => withText((text) => identity(text).secret()),
    pins: () => withText(async (text) => (await identity(text).pins?.()) ?? []),
  };
}

/**
 * Writes an identity file that only its owner may read.
 *
 * @returns the recipient: what to give to the owner who is to let the identity in; it is in the file, too
 * @throws SecureStoreError `ALREADY_EXISTS` if the file exists; `UNAVAILABLE` if it can't be written
 */
export async function generateIdentityFile(path: string): Promise<string> {
  const secret = generateIdentity();
  try {
    const recipient = await recipientOf(secret);
    const about =
      '# A securestore identity. Keep it secret: whoever has it can open the stores that let it in.\n' +
      `# The recipient, to give to others: ${recipient}\n`;
    const text = Buffer.concat([Buffer.from(about, 'latin1'), secret, Buffer.from('\n')]);
    try {
      await writeSecretFile(path, 'identity file', text);
    } finally {
      text.fill(0);
    }
    return recipient;
  } finally {
    secret.fill(0);
  }
}
