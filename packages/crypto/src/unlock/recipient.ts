import { KEY_LENGTH, SecureStoreError } from '@securestore/core-format';
import { readIdentityText } from './identity-text.ts';
import { printed, readPrinted } from './printed.ts';
import { randomPool } from '../primitives/random.ts';
import { publicKeyOf } from './slot-key-pair.ts';
import { loadSodium } from '../primitives/load-sodium.ts';
import type { UnlockSecretMethod, UnlockSecretSource } from './unlock.ts';
import { derivedSecret, secretText } from './unlock.ts';

/**
 * A new identity, an X25519 private key, as ASCII text: fourteen groups of four letters and digits after `SSID1`. Whoever has it can
 * open every store that has a slot for its recipient; wipe the buffer when it is written.
 */
export function generateIdentity(): Buffer {
  const bytes = randomPool()(KEY_LENGTH);
  const text = printed('identity', bytes);
  bytes.fill(0);
  return text;
}

/**
 * Unlocks by an identity: an {@link generateIdentity} or the text of an identity file, which may also hold comments and
 * `fingerprint:` lines. A slot for it was made by a person who knows its recipient alone, and an attacker can make one, too:
 * so the store must be known by its fingerprint, in the identity file, the option `fingerprint` or an anchor, or be
 * trusted when it is first opened.
 */
export function identity(text: UnlockSecretSource): UnlockSecretMethod {
  const read = secretText(text, 'an identity');
  return {
    type: 'recipient',
    secret: derivedSecret(read, (bytes) => readIdentityText(bytes).privateKey),
    async pins() {
      const bytes = await read();
      try {
        const { privateKey, fingerprints } = readIdentityText(bytes);
        privateKey.fill(0);
        return fingerprints;
      } finally {
        bytes.fill(0);
      }
    },
  };
}

/** A public key as text. It is no secret. */
export function formatRecipient(publicKey: Uint8Array): string {
  return printed('recipient', publicKey).toString('latin1');
}

/** What an owner needs to add a slot for an identity: its public key, `SSRP1-…`, which is not secret. */
export async function recipientOf(text: UnlockSecretSource): Promise<string> {
  const privateKey = await identity(text).secret();
  try {
    return formatRecipient(publicKeyOf(privateKey));
  } finally {
    privateKey.fill(0);
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for a mistyped recipient, and for keys that nothing can be encrypted to */
export async function readRecipient(text: unknown): Promise<Buffer> {
  if (typeof text !== 'string') {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the recipient must be a string');
  }
  const publicKey = readPrinted('recipient', Buffer.from(text, 'utf8'), KEY_LENGTH);
  const sodium = await loadSodium();
  try {
    // Every attacker can decrypt what is encrypted to a key of low order.
    sodium.sealBox(new Uint8Array(1), publicKey);
  } catch {
    throw new SecureStoreError('INVALID_ARGUMENT', 'the recipient is not a usable public key');
  }
  return publicKey;
}
