import type { KeyObject } from 'node:crypto';
import type { Purpose } from '@securestore/core-format';
import {
  COMMITMENT_LENGTH,
  decodeSystemBody,
  encodeSystemHeader,
  isZero,
  KEY_LENGTH,
  NO_KEY_ID,
  SecureStoreError,
  TAG_LENGTH,
} from '@securestore/core-format';
import { deriveBytes, expandInput, label } from '../primitives/derive.ts';
import type { OnKeyUse } from '../primitives/key-use.ts';
import type { RandomSource } from '../primitives/random.ts';
import { suiteOf } from '../primitives/suites.ts';

const SYSTEM_USE = label('system');
const SALT_LENGTH = 32;

/** What seals an object of the store's own. */
export interface SystemKey {
  readonly secret: KeyObject;
  readonly suite: number;
  /** Absent for purpose keys, which have no versions. */
  readonly id?: Uint8Array;
  /** Called for everything that is encrypted and decrypted under it, if there is a listener. */
  readonly onUse?: OnKeyUse | undefined;
}

/** Finds the key that an object of the store's own names; `undefined` if there is none. */
export type SystemKeyFinder = (id: Uint8Array) => (Pick<SystemKey, 'secret'> & Partial<SystemKey>) | undefined;

/** The finder for a purpose whose key has no versions: objects of it name none. */
export function unversioned(secret: KeyObject): SystemKeyFinder {
  return (id) => (isZero(id) ? { secret } : undefined);
}

/** The one-time key of a system body: its salt, header and place go through the purpose key. */
function bodyKey(purposeKey: KeyObject, headerBytes: Uint8Array, context: Uint8Array): Buffer {
  return deriveBytes(purposeKey, 'system key', headerBytes, context);
}

/**
 * Seals an object of the store's own, bound to `context` (see `systemContext`).
 *
 * @param plaintext the caller's to wipe
 */
export function sealSystemBody(
  systemKey: SystemKey,
  purpose: Purpose,
  context: Uint8Array,
  plaintext: Uint8Array,
  random: RandomSource,
): Buffer {
  const suite = suiteOf(systemKey.suite);
  const headerBytes = encodeSystemHeader(suite.id, purpose, random(SALT_LENGTH), systemKey.id ?? NO_KEY_ID);
  const key = bodyKey(systemKey.secret, headerBytes, context);
  const expanded = suite.expand(key, expandInput(SYSTEM_USE, headerBytes));
  const prefixLength = headerBytes.length + COMMITMENT_LENGTH;
  const body = Buffer.alloc(prefixLength + plaintext.length + TAG_LENGTH);
  body.set(headerBytes);
  body.set(expanded.subarray(KEY_LENGTH), headerBytes.length);
  suite.sealOnce(expanded.subarray(0, KEY_LENGTH), plaintext, body, prefixLength);
  key.fill(0);
  expanded.fill(0);
  systemKey.onUse?.('seal');
  return body;
}

/**
 * @param what the object, for messages
 * @param keyOf the key by the id in the object; all zero if the purpose's key has no versions
 * @param suites those that the store accepts, from its verified head
 * @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION`
 */
export function openSystemBody(
  what: string,
  keyOf: SystemKeyFinder,
  suites: readonly number[],
  purpose: Purpose,
  context: Uint8Array,
  bytes: Uint8Array,
): Buffer {
  const body = decodeSystemBody(what, purpose, bytes);
  const fail = (reason: string): never => {
    throw new SecureStoreError('INTEGRITY', `${what} is damaged: ${reason}`);
  };
  if (!suites.includes(body.suite)) fail('its suite is not one that the store accepts');
  const systemKey = keyOf(body.keyId) ?? fail('it names a key version that this store does not have');
  const { secret, onUse } = systemKey;
  try {
    if (systemKey.suite !== undefined && systemKey.suite !== body.suite) fail('its suite is not that of its key');
    const suite = suiteOf(body.suite);
    const key = bodyKey(secret, body.headerBytes, context);
    const expanded = suite.expand(key, expandInput(SYSTEM_USE, body.headerBytes));
    key.fill(0);
    const committed = expanded.subarray(KEY_LENGTH).equals(body.commitment);
    const open = purpose === 'keyring' ? 'openSecret' : 'openOnce';
    const plaintext = committed ? suite[open](expanded.subarray(0, KEY_LENGTH), body.sealed) : undefined;
    expanded.fill(0);
    if (plaintext === undefined)
      return fail(committed ? 'its body is not what was sealed' : 'its commitment does not match its key');
    onUse?.('open');
    return plaintext;
  } catch (error) {
    onUse?.('open', undefined, error);
    throw error;
  }
}
