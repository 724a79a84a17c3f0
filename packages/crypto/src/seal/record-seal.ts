import { createHash } from 'node:crypto';
import type { Envelope, RecordHeader, SplitRecord } from '@securestore/core-format';
import {
  asBuffer,
  joinRecord,
  KEY_LENGTH,
  SecureStoreError,
  splitRecord,
  startRecord,
  TAG_LENGTH,
  writeEnvelope,
} from '@securestore/core-format';
import type { PayloadKeys } from './payload-keys.ts';
import { expandInput, headerInput, label } from '../primitives/derive.ts';
import type { HmacKey } from '../primitives/hmac.ts';
import type { OnKeyUse } from '../primitives/key-use.ts';
import type { RandomSource } from '../primitives/random.ts';
import type { Suite } from '../primitives/suite.ts';
import { suiteOf } from '../primitives/suites.ts';

const RECORD_USE = label('record');
const WRAP_USE = label('wrap');

/** A key version as sealing and opening need it. */
export interface RecordKey {
  readonly id: Uint8Array;
  readonly suite: number;
  readonly secret: HmacKey;
  /** Of records that were opened under it and the others of its keyring, if they are remembered. */
  readonly payloadKeys?: PayloadKeys | undefined;
  /** Called for everything that is encrypted and decrypted under it, if there is a listener. */
  readonly onUse?: OnKeyUse | undefined;
}

/** A key for this one wrapping: H and C are different for every record, so no nonce is needed. */
function wrapKey(key: RecordKey, headerBytes: Uint8Array, commitment: Uint8Array): Buffer {
  return key.secret.bytes(headerInput(WRAP_USE, headerBytes, commitment));
}

function wrap(suite: Suite, key: RecordKey, headerBytes: Uint8Array, commitment: Uint8Array, dek: Buffer): Envelope {
  const once = wrapKey(key, headerBytes, commitment);
  const wrappedKey = Buffer.allocUnsafe(KEY_LENGTH + TAG_LENGTH);
  suite.sealOnce(once, dek, wrappedKey, 0);
  once.fill(0);
  return { keyId: key.id, commitment, wrappedKey };
}

/**
 * Seals a record. The data key is fresh for every call, so that nothing is ever sealed twice under one key: a retried
 * mutation encrypts again.
 *
 * @param body B in clear; it is the caller's to wipe
 */
export function sealRecord(key: RecordKey, header: RecordHeader, body: Uint8Array, random: RandomSource): Buffer {
  const suite = suiteOf(key.suite);
  const { record, headerLength } = startRecord(header, body.length + TAG_LENGTH);
  const headerBytes = record.subarray(0, headerLength);
  const dek = random(KEY_LENGTH);
  const expanded = suite.expand(dek, expandInput(RECORD_USE, headerBytes));
  const envelope = wrap(suite, key, headerBytes, expanded.subarray(KEY_LENGTH), dek);
  const bodyStart = writeEnvelope(record, headerLength, envelope);
  suite.sealOnce(expanded.subarray(0, KEY_LENGTH), body, record, bodyStart);
  dek.fill(0);
  expanded.fill(0);
  key.onUse?.('seal');
  return record;
}

function damaged(reason: string): never {
  throw new SecureStoreError('INTEGRITY', `the record is damaged: ${reason}`);
}

/** The suite of a record and of the key version that it names. */
function agreedSuite({ header, envelope }: SplitRecord, key: RecordKey): Suite {
  if (asBuffer(envelope.keyId).compare(key.id) !== 0) damaged('it names another key version');
  if (header.suite !== key.suite) damaged('its suite is not that of its key version');
  return suiteOf(key.suite);
}

/** The data key of a record. The caller wipes it. */
function unwrap(record: SplitRecord, key: RecordKey): { suite: Suite; dek: Buffer; expanded: Buffer } {
  const { headerBytes, envelope } = record;
  const suite = agreedSuite(record, key);
  const once = wrapKey(key, headerBytes, envelope.commitment);
  const dek = suite.openSecret(once, envelope.wrappedKey);
  once.fill(0);
  if (dek === undefined) damaged('its data key does not decrypt under the key version that it names');
  const expanded = suite.expand(dek, expandInput(RECORD_USE, headerBytes));
  // The commitment is no secret, so a comparison in constant time would protect nothing.
  if (!expanded.subarray(KEY_LENGTH).equals(envelope.commitment)) {
    dek.fill(0);
    expanded.fill(0);
    damaged('its commitment does not match its key');
  }
  return { suite, dek, expanded };
}

function openBody(record: SplitRecord, key: RecordKey): Buffer {
  const known = key.payloadKeys?.get(record);
  if (known !== undefined) return openUnder(agreedSuite(record, key), known, record);
  const { suite, dek, expanded } = unwrap(record, key);
  dek.fill(0);
  const payloadKey = expanded.subarray(0, KEY_LENGTH);
  try {
    const body = openUnder(suite, payloadKey, record);
    key.payloadKeys?.set(record, payloadKey);
    return body;
  } finally {
    expanded.fill(0);
  }
}

function openUnder(suite: Suite, payloadKey: Buffer, { header, sealedBody }: SplitRecord): Buffer {
  // The body of a record with a blob holds the key of that blob.
  const open = header.blob === undefined ? 'openOnce' : 'openSecret';
  return suite[open](payloadKey, sealedBody) ?? damaged('its body does not decrypt');
}

/**
 * Opens B of a record: suite, wrapped key, commitment, then the body, each before the next.
 *
 * @throws SecureStoreError `INTEGRITY`
 */
export function openRecord(record: SplitRecord, key: RecordKey): Buffer {
  try {
    const body = openBody(record, key);
    key.onUse?.('open');
    return body;
  } catch (error) {
    key.onUse?.('open', undefined, error);
    throw error;
  }
}

/** Checks that the key of a record decrypts, and not what is in it. @throws SecureStoreError `INTEGRITY` */
export function checkRecordKey(record: SplitRecord, key: RecordKey): void {
  const { dek, expanded } = unwrap(record, key);
  dek.fill(0);
  expanded.fill(0);
}

function rewrap(record: SplitRecord, oldKey: RecordKey, newKey: RecordKey, into: Buffer | undefined): Buffer {
  const { suite, dek, expanded } = unwrap(record, oldKey);
  const envelope = wrap(suite, newKey, record.headerBytes, record.envelope.commitment, dek);
  dek.fill(0);
  expanded.fill(0);
  return joinRecord(record.headerBytes, envelope, record.sealedBody, into);
}

/**
 * The record with E under another key version; H, C and B stay byte for byte. The same inputs give the same bytes.
 *
 * @param into memory of its length, which may be its own; by default new
 * @throws SecureStoreError `INTEGRITY`; `INVALID_ARGUMENT` if the new key version has another suite
 */
export function rewrapRecord(recordBytes: Uint8Array, oldKey: RecordKey, newKey: RecordKey, into?: Buffer): Buffer {
  if (newKey.suite !== oldKey.suite) {
    throw new SecureStoreError('INVALID_ARGUMENT', 'rewrapping must keep the suite of the record');
  }
  const record = splitRecord(recordBytes);
  try {
    const rewrapped = rewrap(record, oldKey, newKey, into);
    newKey.onUse?.('rewrap', oldKey.id);
    return rewrapped;
  } catch (error) {
    newKey.onUse?.('rewrap', oldKey.id, error);
    throw error;
  }
}

/** SHA-256(H ‖ C ‖ B): the identity of a record, which re-wrapping doesn't change. */
export function recordDigest(record: SplitRecord): Buffer {
  return createHash('sha256')
    .update(record.headerBytes)
    .update(record.envelope.commitment)
    .update(record.sealedBody)
    .digest();
}
