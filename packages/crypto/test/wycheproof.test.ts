import { createHmac, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HmacKey, suiteOf } from '../src/index.ts';
import { loadSodium } from '../src/primitives/load-sodium.ts';
import { openGcm } from '../src/primitives/suite-1.ts';

interface Vectors<T> {
  readonly testGroups: readonly ({ readonly keySize: number; readonly tagSize: number; readonly ivSize: number } & {
    readonly tests: readonly (T & { readonly tcId: number; readonly result: 'valid' | 'invalid' | 'acceptable' })[];
  })[];
}

function load<T>(name: string): Vectors<T>['testGroups'] {
  const text = readFileSync(new URL(`vectors/${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as Vectors<T>).testGroups;
}

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');

describe('suite 1', () => {
  it('agrees with the AES-256-GCM vectors of Wycheproof that have nonces of 12 bytes and no associated data', () => {
    const groups = load<{ key: string; iv: string; aad: string; msg: string; ct: string; tag: string }>('aes_gcm_test');
    let reached = 0;
    for (const { keySize, ivSize, tests } of groups) {
      if (keySize !== 256 || ivSize !== 96) continue;
      for (const { key, iv, aad, msg, ct, tag, result, tcId } of tests) {
        if (aad !== '') continue;
        reached += 1;
        const opened = openGcm(createSecretKey(bytes(key)), bytes(iv), Buffer.concat([bytes(ct), bytes(tag)]));
        expect(opened, `vector ${tcId}`).toEqual(result === 'valid' ? bytes(msg) : undefined);
      }
    }
    expect(reached).toBe(48);
  });

  // `expand` is the second half of HKDF with SHA-512, of one block.
  it('agrees with the HKDF-SHA-512 vectors of Wycheproof of up to 64 bytes', () => {
    let reached = 0;
    for (const { tests } of load<{ ikm: string; salt: string; info: string; size: number; okm: string }>(
      'hkdf_sha512_test',
    )) {
      for (const { ikm, salt, info, size, okm, result, tcId } of tests) {
        if (size > 64 || result !== 'valid') continue;
        reached += 1;
        const key = createHmac('sha512', bytes(salt)).update(bytes(ikm)).digest();
        const expanded = suiteOf(1).expand(key, Buffer.concat([bytes(info), Buffer.from([1])]));
        expect(expanded.toString('hex', 0, size), `vector ${tcId}`).toBe(okm);
      }
    }
    expect(reached).toBe(72);
  });

  it('agrees with test cases 13 and 14 of the GCM specification: AES-256, zero key, zero nonce', () => {
    const cases = [
      { plaintext: Buffer.alloc(0), sealed: '530f8afbc74536b9a963b4f1c4cb738b' },
      { plaintext: Buffer.alloc(16), sealed: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919' },
    ];
    for (const { plaintext, sealed } of cases) {
      const out = Buffer.alloc(plaintext.length + 16);
      suiteOf(1).sealOnce(Buffer.alloc(32), plaintext, out, 0);
      expect(out.toString('hex')).toBe(sealed);
      expect(suiteOf(1).openOnce(Buffer.alloc(32), out)).toEqual(plaintext);
      expect(suiteOf(1).openSecret(Buffer.alloc(32), out)).toEqual(plaintext);
    }
  });

  it('opens no message that is too short to have a tag', () => {
    for (let length = 0; length < 16; length++) {
      expect(suiteOf(1).openOnce(Buffer.alloc(32), Buffer.alloc(length))).toBeUndefined();
    }
  });
});

describe('suite 2', () => {
  it('agrees with the XChaCha20-Poly1305 vectors of Wycheproof that have no associated data', async () => {
    const groups = load<{ key: string; iv: string; aad: string; msg: string; ct: string; tag: string }>(
      'xchacha20_poly1305_test',
    );
    const sodium = await loadSodium();
    let reached = 0;
    for (const { ivSize, tests } of groups) {
      if (ivSize !== 192) continue;
      for (const { key, iv, aad, msg, ct, tag, result, tcId } of tests) {
        if (aad !== '') continue;
        reached += 1;
        const opened = sodium.open(bytes(key), bytes(iv), Buffer.concat([bytes(ct), bytes(tag)]));
        expect(opened, `vector ${tcId}`).toEqual(result === 'valid' ? bytes(msg) : undefined);
      }
    }
    expect(reached).toBe(45);
  });
});

describe('a key of HMAC', () => {
  it('agrees with the HMAC-SHA-256 vectors of Wycheproof', () => {
    let reached = 0;
    for (const { tagSize, tests } of load<{ key: string; msg: string; tag: string }>('hmac_sha256_test')) {
      if (tagSize !== 256) continue;
      for (const { key, msg, tag, result, tcId } of tests) {
        reached += 1;
        const digest = new HmacKey(bytes(key)).bytes(bytes(msg));
        expect(digest.equals(bytes(tag)), `vector ${tcId}`).toBe(result === 'valid');
      }
    }
    expect(reached).toBe(87);
  });
});
