// Not `argon2` by its name: an older Node would refuse to link this package and all that import it, with a message about a
// missing export, before the core format says which Node they need.
import * as nodeCrypto from 'node:crypto';
import type { Argon2Parameters } from 'node:crypto';
import { promisify } from 'node:util';

/** Argon2id, as Node has it. */
export async function argon2id(parameters: Argon2Parameters): Promise<Buffer> {
  return await promisify(nodeCrypto.argon2)('argon2id', parameters);
}
