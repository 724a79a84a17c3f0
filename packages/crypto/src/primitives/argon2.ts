// Not `argon2` by its name: an older Node would refuse to link this package and all that import it, with a message about a
// missing export, before the core format says which Node they need.
import * as nodeCrypto from 'node:crypto';
import type { Argon2Parameters } from 'node:crypto';

/** Argon2id, as Node has it. */
export async function argon2id(parameters: Argon2Parameters): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  nodeCrypto.argon2('argon2id', parameters, (error, derived) => (error === null ? resolve(derived) : reject(error)));
  return promise;
}
