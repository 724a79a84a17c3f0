import { createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HmacKey } from '../../src/index.ts';
import { hmacSha512Once } from '../../src/primitives/hmac.ts';
import { bytesFrom } from '../support/fixtures.ts';

/** Test cases 1 to 4 and 6 of RFC 4231; 5 is about truncation. */
const RFC_4231 = [
  {
    key: '0b'.repeat(20),
    data: Buffer.from('Hi There').toString('hex'),
    sha256: 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
    sha512:
      '87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854',
  },
  {
    key: Buffer.from('Jefe').toString('hex'),
    data: Buffer.from('what do ya want for nothing?').toString('hex'),
    sha256: '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    sha512:
      '164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737',
  },
  {
    key: 'aa'.repeat(20),
    data: 'dd'.repeat(50),
    sha256: '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe',
    sha512:
      'fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb',
  },
  {
    key: '0102030405060708090a0b0c0d0e0f10111213141516171819',
    data: 'cd'.repeat(50),
    sha256: '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b',
    sha512:
      'b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd',
  },
  {
    key: 'aa'.repeat(131),
    data: Buffer.from('Test Using Larger Than Block-Size Key - Hash Key First').toString('hex'),
    sha256: '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    sha512:
      '80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598',
  },
] as const;

/** Below and above the length up to which inputs are copied, which is 4 KiB. */
const inputs = fc
  .oneof(fc.nat(300), fc.integer({ min: 4000, max: 4200 }), fc.constantFrom(4095, 4096, 4097, 70_000))
  .map((length) => bytesFrom(`input ${length}`, length));

describe('HMAC by one-shot hashes', () => {
  it('has forgotten its key once it is wiped', () => {
    const [one, other] = [new HmacKey(bytesFrom('one', 32)), new HmacKey(bytesFrom('other', 32))];
    const input = Buffer.from('input');
    expect(one.tag(input)).not.toBe(other.tag(input));
    one.wipe();
    other.wipe();
    expect(one.tag(input)).toBe(other.tag(input));
  });

  it.each(RFC_4231)('is that of RFC 4231 for the key $key', ({ key, data, sha256, sha512 }) => {
    const bytes = Buffer.from(key, 'hex');
    const input = Buffer.from(data, 'hex');
    const prepared = new HmacKey(bytes);
    expect(prepared.bytes(input).toString('hex')).toBe(sha256);
    expect(Buffer.from(prepared.tag(input), 'latin1').toString('hex')).toBe(sha256);
    expect(hmacSha512Once(bytes, input).toString('hex')).toBe(sha512);
  });

  it('is that of node:crypto for every length of key and input, in whatever order keys are used', () => {
    const keys = fc.array(fc.uint8Array({ minLength: 1, maxLength: 150 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(keys, fc.array(inputs, { minLength: 1, maxLength: 4 }), (secrets, all) => {
        const prepared = secrets.map((secret) => new HmacKey(secret));
        for (const input of all) {
          for (const [index, secret] of secrets.entries()) {
            const expected = createHmac('sha256', secret).update(input).digest();
            expect(prepared[index]?.bytes(input)).toEqual(expected);
            expect(prepared[index]?.tag(input)).toBe(expected.toString('latin1'));
            expect(hmacSha512Once(secret, input)).toEqual(createHmac('sha512', secret).update(input).digest());
          }
        }
      }),
    );
  });

  it('keeps nothing of the bytes that it was given', () => {
    const secret = bytesFrom('secret', 32);
    const prepared = new HmacKey(secret);
    const tag = prepared.tag(secret);
    secret.fill(0);
    expect(prepared.tag(bytesFrom('secret', 32))).toBe(tag);
  });

  it('gives bytes that are the caller’s own', () => {
    const prepared = new HmacKey(bytesFrom('secret', 32));
    const input = bytesFrom('input', 10);
    const bytes = prepared.bytes(input);
    const copy = Buffer.from(bytes);
    bytes.fill(0);
    expect(prepared.bytes(input)).toEqual(copy);
    expect(bytes.buffer.byteLength).toBe(32);
  });
});
