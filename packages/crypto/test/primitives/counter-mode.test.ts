import { createCipheriv, createSecretKey } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CounterMode } from '../../src/primitives/counter-mode.ts';
import { bytesFrom } from '../support/fixtures.ts';

/** CTR-AES256 of NIST SP 800-38A, section F.5.5. */
const SP_800_38A = {
  key: '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4',
  counter: 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
  plaintext:
    '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710',
  ciphertext:
    '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c52b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6',
};

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const secret = bytesFrom('secret', 32);

const counters = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Carries through some bytes, or all of them.
  fc.nat(16).map((ones) => Uint8Array.from({ length: 16 }, (_, at) => (at < 16 - ones ? 0x7f : 0xff))),
);

const messages = fc.array(fc.record({ counter: counters, data: fc.uint8Array({ maxLength: 100 }) }), { maxLength: 8 });

describe('counter mode by blocks', () => {
  it('is that of NIST SP 800-38A', () => {
    const mode = new CounterMode(createSecretKey(bytes(SP_800_38A.key)));
    const data = bytes(SP_800_38A.plaintext);
    mode.apply([{ counter: bytes(SP_800_38A.counter), data }]);
    expect(data.toString('hex')).toBe(SP_800_38A.ciphertext);
    mode.apply([{ counter: bytes(SP_800_38A.counter), data }]);
    expect(data.toString('hex')).toBe(SP_800_38A.plaintext);
  });

  it('is that of node:crypto for every counter and length, however many messages there are', () => {
    const mode = new CounterMode(createSecretKey(secret));
    fc.assert(
      fc.property(messages, (all) => {
        const expected = all.map(({ counter, data }) => createCipheriv('aes-256-ctr', secret, counter).update(data));
        const given = all.map(({ counter }) => Buffer.from(counter));
        mode.apply(all);
        expect(all.map(({ data }) => Buffer.from(data))).toEqual(expected);
        expect(all.map(({ counter }) => Buffer.from(counter))).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });
});
