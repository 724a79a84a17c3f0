import type { KeyObject } from 'node:crypto';
import type { Purpose } from '@securestore/core-format';
import {
  COMMITMENT_LENGTH,
  decodeSystemBody,
  encodeSystemHeader,
  KEY_LENGTH,
  SecureStoreError,
  TAG_LENGTH,
} from '@securestore/core-format';
import { deriveBytes, expandInput, label } from './derive.ts';
import type { RandomSource } from './random.ts';
import { suiteOf } from './suite.ts';

const SYSTEM_USE = label('system');
const SALT_LENGTH = 32;

/** The one-time key of a system body: its salt, header and place go through the purpose key. */
function bodyKey(purposeKey: KeyObject, headerBytes: Uint8Array, context: Uint8Array): Buffer {
  return deriveBytes(purposeKey, 'system key', headerBytes, context);
}

/**
 * Seals an object of the store's own under a purpose key, bound to `context` (see `systemContext`).
 *
 * @param plaintext the caller's to wipe
 */
export function sealSystemBody(
  purposeKey: KeyObject,
  suiteId: number,
  purpose: Purpose,
  context: Uint8Array,
  plaintext: Uint8Array,
  random: RandomSource,
): Buffer {
  const suite = suiteOf(suiteId);
  const headerBytes = encodeSystemHeader(suiteId, purpose, random(SALT_LENGTH));
  const key = bodyKey(purposeKey, headerBytes, context);
  const expanded = suite.expand(key, expandInput(SYSTEM_USE, headerBytes));
  const prefixLength = headerBytes.length + COMMITMENT_LENGTH;
  const body = Buffer.alloc(prefixLength + plaintext.length + TAG_LENGTH);
  body.set(headerBytes);
  body.set(expanded.subarray(KEY_LENGTH), headerBytes.length);
  suite.sealOnce(expanded.subarray(0, KEY_LENGTH), plaintext, body, prefixLength);
  key.fill(0);
  expanded.fill(0);
  return body;
}

/**
 * @param what the object, for messages
 * @param suites those that the store accepts, from its verified head
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function openSystemBody(
  what: string,
  purposeKey: KeyObject,
  suites: readonly number[],
  purpose: Purpose,
  context: Uint8Array,
  bytes: Uint8Array,
): Buffer {
  const body = decodeSystemBody(what, purpose, bytes);
  const fail = (reason: string): never => {
    throw new SecureStoreError('INTEGRITY', `${what} is damaged: ${reason}`);
  };
  if (!suites.includes(body.suite)) fail('its suite is none that the store accepts');
  const suite = suiteOf(body.suite);
  const key = bodyKey(purposeKey, body.headerBytes, context);
  const expanded = suite.expand(key, expandInput(SYSTEM_USE, body.headerBytes));
  key.fill(0);
  const committed = expanded.subarray(KEY_LENGTH).equals(body.commitment);
  const plaintext = committed ? suite.openOnce(expanded.subarray(0, KEY_LENGTH), body.sealed) : undefined;
  expanded.fill(0);
  return plaintext ?? fail(committed ? 'its body is not what was sealed' : 'its commitment does not match its key');
}
