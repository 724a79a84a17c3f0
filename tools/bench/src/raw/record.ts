import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/*
 * The constructions of a record (docs/format.md) on node:crypto and nothing else: no encoding, no name, no storage, no
 * checks. It is the speed that the object engine can't exceed.
 */

const ZERO_NONCE: Uint8Array = new Uint8Array(12);
const TAG = { authTagLength: 16 } as const;
export const RECORD_LABEL: Uint8Array = Buffer.from('securestore/1 record\0\0\xa0', 'latin1');
const WRAP_LABEL: Uint8Array = Buffer.from('securestore/1 wrap\0\0\xa0', 'latin1');
const END: Uint8Array = Uint8Array.of(1);

export interface BareRecord {
  readonly header: Uint8Array;
  readonly commitment: Uint8Array;
  readonly wrapped: Uint8Array;
  readonly body: Uint8Array;
}

const pool: Uint8Array = new Uint8Array(4096);
let used: number = pool.length;

export function freshKey(): Uint8Array {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += 32;
  return pool.slice(used - 32, used);
}

/** A header of the usual length, 160 bytes. */
export function bareHeader(): Uint8Array {
  return randomFillSync(new Uint8Array(160));
}

export function sealBare(categoryKey: KeyObject, header: Uint8Array, plaintext: Uint8Array): BareRecord {
  const dek = freshKey();
  const derived = deriveRecordKeys(createSecretKey(dek), header);
  const commitment = derived.subarray(32);
  const body = seal(createSecretKey(derived.subarray(0, 32)), plaintext);
  return { header, commitment, body, wrapped: seal(wrapKey(categoryKey, header, commitment), dek) };
}

export function openBare(categoryKey: KeyObject, { header, commitment, wrapped, body }: BareRecord): Uint8Array {
  const dek = open(wrapKey(categoryKey, header, commitment), wrapped);
  const derived = deriveRecordKeys(createSecretKey(dek), header);
  if (!timingSafeEqual(derived.subarray(32), commitment)) throw new Error('The commitment differs.');
  return open(createSecretKey(derived.subarray(0, 32)), body);
}

/** One segment of a name token. */
export function bareToken(nameMac: KeyObject, nameEnc: KeyObject, parent: Uint8Array, segment: string): Uint8Array {
  const bytes = Buffer.from(segment);
  const iv = createHmac('sha256', nameMac).update(parent).update(bytes).digest().subarray(0, 16);
  return Buffer.concat([iv, createCipheriv('aes-256-ctr', nameEnc, iv).update(bytes)]);
}

function deriveRecordKeys(dek: KeyObject, header: Uint8Array): Buffer {
  return createHmac('sha512', dek).update(RECORD_LABEL).update(header).update(END).digest();
}

function wrapKey(categoryKey: KeyObject, header: Uint8Array, commitment: Uint8Array): KeyObject {
  return createSecretKey(bareWrapKey(categoryKey, header, commitment));
}

export function bareWrapKey(categoryKey: KeyObject, header: Uint8Array, commitment: Uint8Array): Buffer {
  return createHmac('sha256', categoryKey).update(WRAP_LABEL).update(header).update(commitment).digest();
}

function seal(key: KeyObject, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, ZERO_NONCE, TAG);
  const text = cipher.update(plaintext);
  cipher.final();
  return Buffer.concat([text, cipher.getAuthTag()]);
}

function open(key: KeyObject, sealed: Uint8Array): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, ZERO_NONCE, TAG);
  decipher.setAuthTag(sealed.subarray(sealed.length - 16));
  const text = decipher.update(sealed.subarray(0, sealed.length - 16));
  decipher.final();
  return text;
}
