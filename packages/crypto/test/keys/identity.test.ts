import { createHash } from 'node:crypto';
import { encodeBase32 } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import {
  fingerprintBytes,
  fingerprintOf,
  identityPrivateKey,
  identityPublicKey,
  signAs,
  verifyAs,
} from '../../src/index.ts';
import { bytesFrom, flipped } from '../support/fixtures.ts';

const key = identityPrivateKey(bytesFrom('seed', 32));
const publicKey = identityPublicKey(key);
const message = Buffer.from('a head');
const signature = signAs(key, 'head', message);

describe('a store identity', () => {
  it('agrees with test 1 of RFC 8032, section 7.1', () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    expect(identityPublicKey(identityPrivateKey(seed)).toString('hex')).toBe(
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    );
  });

  it('[H-07] verifies what it signed, and nothing else', () => {
    expect(verifyAs(publicKey, 'head', message, signature)).toBe(true);
    expect(verifyAs(publicKey, 'checkpoint', message, signature)).toBe(false);
    expect(verifyAs(publicKey, 'head', Buffer.from('a heae'), signature)).toBe(false);
    for (let at = 0; at < 64; at++) {
      expect(verifyAs(publicKey, 'head', message, flipped(signature, at, 1))).toBe(false);
    }
    for (let at = 0; at < 32; at++) {
      expect(verifyAs(flipped(publicKey, at, 1), 'head', message, signature)).toBe(false);
    }
    for (const length of [0, 63, 65]) {
      expect(verifyAs(publicKey, 'head', message, Buffer.alloc(length, signature))).toBe(false);
    }
  });

  it('[H-07] has one signature for a message: no scalar over the order of the group', () => {
    const order = 2n ** 252n + 27_742_317_777_372_353_535_851_937_790_883_648_493n;
    const scalar = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString('hex')}`);
    const other = Buffer.from((scalar + order).toString(16).padStart(64, '0'), 'hex').toReversed();
    expect(verifyAs(publicKey, 'head', message, Buffer.concat([signature.subarray(0, 32), other]))).toBe(false);
  });

  it('does not verify under public keys that are no points', () => {
    for (const byte of [0x00, 0x02, 0x7f, 0xff]) {
      expect(verifyAs(Buffer.alloc(32, byte), 'head', message, signature)).toBe(false);
    }
  });

  it('separates uses, also where one is the start of another', () => {
    const ambiguous = signAs(key, 'he', Buffer.from('ad'));
    expect(verifyAs(publicKey, 'head', Buffer.alloc(0), ambiguous)).toBe(false);
  });

  it('[H-08] has the SHA-256 of its public key as fingerprint', () => {
    const digest = createHash('sha256').update(publicKey).digest();
    expect(fingerprintBytes(publicKey)).toEqual(digest);
    expect(fingerprintOf(publicKey)).toBe(encodeBase32(digest));
    expect(fingerprintOf(publicKey)).toHaveLength(52);
  });
});
