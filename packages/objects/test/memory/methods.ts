import { secretBytes } from '@securestore/core-format';
import { identity, keyWrapper, passphrase, rawKey } from '@securestore/crypto';
import type { KeyWrapper, UnlockMethod } from '@securestore/crypto';
import { printed } from '../../../crypto/src/unlock/printed.ts';

/** What unlocks the store of a scenario. */
export type Method = 'passphrase' | 'rawKey' | 'keyFile' | 'identity' | 'keyWrapper';

/** Those that open only a store that is known. */
export const isUnbound = (method: Method): boolean => method === 'identity' || method === 'keyWrapper';

/** A secret as whoever unlocks by it holds it, in memory of its own. To be wiped. */
export function heldForm(method: Method, secret: Buffer): Buffer {
  return method === 'identity' ? printed('identity', secret) : secret;
}

function xor(bytes: Uint8Array, secret: Uint8Array): Buffer {
  const result = secretBytes(bytes.length);
  for (const [index, byte] of bytes.entries()) result[index] = byte ^ (secret[index] ?? 0);
  return result;
}

/** A key service of the tests, for one slot: what it wraps is a key under a one-time pad. */
function padWrapper(secret: Buffer): KeyWrapper {
  const apply = async (bytes: Uint8Array): Promise<Buffer> => xor(bytes, secret);
  return { id: 'pad', wrap: apply, unwrap: apply };
}

/** What {@link padWrapper} unwraps. */
export const unpadded = (wrapped: Uint8Array, secret: Buffer): Buffer => xor(wrapped, secret);

/** @param held as {@link heldForm} gives it */
export function unlockBy(method: Exclude<Method, 'keyFile'>, held: Buffer): UnlockMethod {
  switch (method) {
    case 'passphrase':
      return passphrase(() => held);
    case 'identity':
      return identity(() => held);
    case 'keyWrapper':
      return keyWrapper(padWrapper(held));
    default:
      return rawKey(() => held);
  }
}
