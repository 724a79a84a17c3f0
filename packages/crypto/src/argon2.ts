// Not `argon2` by its name: an older Node would then refuse to link this package and all that import it, with a message
// about a missing export. This way, importing them says what they need.
import * as nodeCrypto from 'node:crypto';
import type { Argon2Parameters } from 'node:crypto';
import { promisify } from 'node:util';
import { SecureStoreError } from '@securestore/core-format';

if (typeof nodeCrypto.argon2 !== 'function') {
  throw new SecureStoreError(
    'UNSUPPORTED',
    `securestore needs Node 24.7 or newer, and this is Node ${process.versions.node}`,
  );
}

const runArgon2 = promisify(nodeCrypto.argon2);

/** Argon2id, as Node has it. */
export async function argon2id(parameters: Argon2Parameters): Promise<Buffer> {
  return await runArgon2('argon2id', parameters);
}
