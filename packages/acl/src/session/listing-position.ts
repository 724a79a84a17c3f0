import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { MAX_KEY_BYTES, SecureStoreError } from '@securestore/core-format';

const PURPOSE = 'securestore listing position 1';
const NONCE = 12;
const TAG = 16;
/** Sealed positions have few lengths: one tells little of how long a name is. */
const STEP = 256;

function invalid(): SecureStoreError {
  return new SecureStoreError(
    'INVALID_ARGUMENT',
    'the position of the listing is not one that a page of the same listing gave',
  );
}

/**
 * Where listings go on that ended at a name which may not be shown: sealed, so that whoever has the position learns no name from it, and good for
 * the principal and the prefix alone that it was made for.
 */
export class ListingPositions {
  readonly #key: () => KeyObject;

  /** @param key the same in every process that has the store open */
  constructor(key: () => KeyObject) {
    this.#key = key;
  }

  #sealingKey(): Uint8Array {
    return createHmac('sha256', this.#key()).update(PURPOSE).digest();
  }

  /** @param about whose listing it is, and of what */
  seal(name: string, about: readonly string[]): string {
    const text = Buffer.from(name);
    const plain = Buffer.alloc(Math.ceil((text.length + 2) / STEP) * STEP);
    plain.writeUInt16BE(text.length);
    text.copy(plain, 2);
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv('aes-256-gcm', this.#sealingKey(), nonce);
    cipher.setAAD(Buffer.from(JSON.stringify(about)));
    const sealed = [nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(sealed).toString('base64url');
  }

  /** @throws SecureStoreError `INVALID_ARGUMENT` for what was not sealed for this */
  open(position: string, about: readonly string[]): string {
    const bytes = Buffer.from(position, 'base64url');
    if (bytes.length < NONCE + TAG + STEP || bytes.length > NONCE + TAG + MAX_KEY_BYTES + STEP) throw invalid();
    const decipher = createDecipheriv('aes-256-gcm', this.#sealingKey(), bytes.subarray(0, NONCE));
    decipher.setAAD(Buffer.from(JSON.stringify(about)));
    decipher.setAuthTag(bytes.subarray(-TAG));
    try {
      const plain = Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]);
      return plain.toString('utf8', 2, 2 + plain.readUInt16BE());
    } catch {
      throw invalid();
    }
  }
}
