import { asBuffer, SecureStoreError } from '@securestore/core-format';
import { publicKeyOf } from '../unlock/slot-key-pair.ts';
import { loadSodium } from '../primitives/load-sodium.ts';

const BOX_OVERHEAD = 48;

/**
 * Seals `plaintext` so that whoever has the private key of the X25519 key `publicKey` can open it, and nobody else; it does
 * not say who has sealed it. 48 bytes longer than the plaintext.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for a key that nothing can be encrypted to
 */
export async function sealTo(publicKey: Uint8Array, plaintext: Uint8Array): Promise<Buffer> {
  const sodium = await loadSodium();
  try {
    return asBuffer(sodium.sealBox(plaintext, publicKey));
  } catch {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the public key is not usable');
  }
}

/** Opens what {@link sealTo} has sealed. The caller wipes it; `undefined` if it is damaged or sealed to another key. */
export async function openSealed(privateKey: Uint8Array, sealed: Uint8Array): Promise<Buffer | undefined> {
  if (sealed.length < BOX_OVERHEAD) return undefined;
  const sodium = await loadSodium();
  const opened = sodium.openBox(sealed, publicKeyOf(privateKey), privateKey);
  return opened && asBuffer(opened);
}
