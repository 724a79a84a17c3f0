import { createHash, createHmac } from 'node:crypto';
import { joinRecord, splitRecord } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordKey } from '../../src/index.ts';
import { checkRecordKey, openRecord, recordDigest, rewrapRecord, sealRecord, suiteOf } from '../../src/index.ts';
import { bytesFrom, flipped, recordHeader, recordKey, repeatableRandom } from '../support/fixtures.ts';
import { openableUnderBoth } from '../support/multi-key.ts';

const key = recordKey('one');
const other = recordKey('other');
const body = Buffer.from('a body of some length');
const random = repeatableRandom('records');
const record = sealRecord(key, recordHeader('a'), body, random);

const open = (bytes: Uint8Array, under: RecordKey = key): Buffer => openRecord(splitRecord(bytes), under);

const check = (bytes: Uint8Array, under = key): void => checkRecordKey(splitRecord(bytes), under);

const refused = (act: () => unknown): void => {
  expect(act).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
};

/** T of the format, computed without the code under test: payload key, then commitment. */
function expand(dek: Uint8Array, headerBytes: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(headerBytes.length);
  const input = Buffer.concat([Buffer.from('securestore/1 record\0'), length, headerBytes, Buffer.from([1])]);
  return createHmac('sha512', dek).update(input).digest();
}

function wrapKey(of: RecordKey, headerBytes: Uint8Array, commitment: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(headerBytes.length);
  const input = Buffer.concat([Buffer.from('securestore/1 wrap\0'), length, headerBytes, commitment]);
  return of.secret.bytes(input);
}

/** One AEAD message under a zero nonce. */
function seal(under: Uint8Array, plaintext: Uint8Array): Buffer {
  const out = Buffer.alloc(plaintext.length + 16);
  suiteOf(1).sealOnce(under, plaintext, out, 0);
  return out;
}

describe('a sealed record', () => {
  it('opens to what was sealed, whatever its length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (plaintext) => {
        expect(open(sealRecord(key, recordHeader('p'), plaintext, random))).toEqual(Buffer.from(plaintext));
      }),
      { numRuns: 100 },
    );
  });

  it('[R-08] [R-09] is what the specification says, recomputed by hand', () => {
    const { headerBytes, envelope, sealedBody } = splitRecord(record);
    const unwrapped = suiteOf(1).openOnce(wrapKey(key, headerBytes, envelope.commitment), envelope.wrappedKey);
    if (unwrapped === undefined) throw new Error('the wrapped key does not open');
    const t = expand(unwrapped, headerBytes);
    expect(envelope.keyId).toEqual(key.id);
    expect(t.subarray(32)).toEqual(envelope.commitment);
    expect(suiteOf(1).openOnce(t.subarray(0, 32), sealedBody)).toEqual(body);
  });

  it('[G-11] [R-10] is refused with any byte flipped, and nothing of it is released', () => {
    for (let at = 0; at < record.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const act = (): unknown => open(flipped(record, at, mask));
        expect(act, `byte ${at}`).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^(INTEGRITY|FORMAT_VERSION)$/) }),
        );
      }
    }
  });

  it('[R-10] is refused truncated or extended', () => {
    for (let length = 0; length < record.length; length++) refused(() => open(record.subarray(0, length)));
    refused(() => open(Buffer.concat([record, Buffer.alloc(1)])));
  });

  it('is refused with H, E or B of another record, in every combination', () => {
    const a = splitRecord(record);
    const b = splitRecord(sealRecord(key, recordHeader('b'), Buffer.from('another body of it all'), random));
    for (const [h, e, sealed] of [
      [a, a, b],
      [a, b, a],
      [b, a, a],
      [a, b, b],
      [b, a, b],
      [b, b, a],
    ] as const) {
      refused(() => open(joinRecord(h.headerBytes, e.envelope, sealed.sealedBody)));
    }
  });

  it('is refused with E of an earlier sealing of the same object', () => {
    const again = splitRecord(sealRecord(key, recordHeader('a'), body, random));
    const first = splitRecord(record);
    refused(() => open(joinRecord(first.headerBytes, again.envelope, first.sealedBody)));
    const half = { ...first.envelope, commitment: again.envelope.commitment };
    refused(() => open(joinRecord(first.headerBytes, half, first.sealedBody)));
  });

  it('[R-12] has a fresh data key for every sealing, so nothing of two is the same', () => {
    const first = splitRecord(record);
    const again = splitRecord(sealRecord(key, recordHeader('a'), body, random));
    expect(again.headerBytes).toEqual(first.headerBytes);
    expect(again.envelope.commitment).not.toEqual(first.envelope.commitment);
    expect(again.envelope.wrappedKey).not.toEqual(first.envelope.wrappedKey);
    expect(again.sealedBody).not.toEqual(first.sealedBody);
  });

  it('[R-07] is refused under another key, also one that claims its id', () => {
    refused(() => open(record, other));
    refused(() => open(record, { ...other, id: key.id }));
    refused(() => open(record, { ...key, id: other.id }));
  });

  it('[R-06] is refused before anything is computed where its suite is not that of its key version', () => {
    refused(() => open(sealRecord(key, recordHeader('a', { suite: 2 }), body, random)));
    refused(() => open(record, { ...key, suite: 2 }));
    const unknown = sealRecord(key, recordHeader('a', { suite: 9 }), body, random);
    expect(() => open(unknown, { ...key, suite: 9 })).toThrow(expect.objectContaining({ code: 'FORMAT_VERSION' }));
  });

  it('[R-09] is refused with a data key that its commitment is not of, though the wrapping is genuine', () => {
    const { headerBytes, envelope, sealedBody } = splitRecord(record);
    const forged = bytesFrom('forged', 32);
    const wrappedKey = seal(wrapKey(key, headerBytes, envelope.commitment), forged);
    expect(() => open(joinRecord(headerBytes, { ...envelope, wrappedKey }, sealedBody))).toThrow(/commitment/);
  });

  it('[R-09] is refused with a body that opens under two keys', () => {
    const { headerBytes, envelope } = splitRecord(record);
    const [one, two] = [bytesFrom('dek 1', 32), bytesFrom('dek 2', 32)];
    const [t1, t2] = [expand(one, headerBytes), expand(two, headerBytes)];
    const both = openableUnderBoth(t1.subarray(0, 32), t2.subarray(0, 32));
    // The control: the cipher alone accepts it under either key.
    expect(suiteOf(1).openOnce(t1.subarray(0, 32), both)).toHaveLength(16);
    expect(suiteOf(1).openOnce(t2.subarray(0, 32), both)).toHaveLength(16);
    const commitment = t1.subarray(32);
    const wrapped = (dek: Uint8Array): Buffer => seal(wrapKey(key, headerBytes, commitment), dek);
    const genuine = joinRecord(headerBytes, { ...envelope, commitment, wrappedKey: wrapped(one) }, both);
    expect(open(genuine)).toHaveLength(16);
    refused(() => open(joinRecord(headerBytes, { ...envelope, commitment, wrappedKey: wrapped(two) }, both)));
  });

  it('[R-09] is refused with a wrapped key that opens under two category keys', () => {
    const { headerBytes, envelope, sealedBody } = splitRecord(record);
    const keys = [key, other].map((of) => wrapKey(of, headerBytes, envelope.commitment));
    const wrappedKey = openableUnderBoth(
      keys[0] ?? Buffer.alloc(0),
      keys[1] ?? Buffer.alloc(0),
      bytesFrom('block', 16),
    );
    for (const [index, of] of [key, other].entries()) {
      expect(suiteOf(1).openOnce(keys[index] ?? Buffer.alloc(0), wrappedKey)).toHaveLength(32);
      const bytes = joinRecord(headerBytes, { ...envelope, keyId: of.id, wrappedKey }, sealedBody);
      expect(() => open(bytes, of)).toThrow(/commitment/);
    }
  });
});

describe('re-wrapping', () => {
  it('[R-11] replaces E and nothing else, and opens under the new key only', () => {
    const rewrapped = rewrapRecord(record, key, other);
    const [before, after] = [splitRecord(record), splitRecord(rewrapped)];
    expect(after.headerBytes).toEqual(before.headerBytes);
    expect(after.envelope.commitment).toEqual(before.envelope.commitment);
    expect(after.sealedBody).toEqual(before.sealedBody);
    expect(after.envelope.keyId).toEqual(other.id);
    expect(open(rewrapped, other)).toEqual(body);
    refused(() => open(rewrapped, key));
  });

  it('[R-11] writes the same bytes every time, and the way back leads to the very record', () => {
    const rewrapped = rewrapRecord(record, key, other);
    expect(rewrapRecord(record, key, other)).toEqual(rewrapped);
    expect(rewrapRecord(rewrapped, other, key)).toEqual(record);
  });

  it('[R-11] is rewrapped where it is, to the same bytes', () => {
    const expected = rewrapRecord(record, key, other);
    const own = Buffer.from(record);
    expect(rewrapRecord(own, key, other, own)).toBe(own);
    expect(own).toEqual(expected);
  });

  it('[R-10] has a key that can be checked alone, whatever its body', () => {
    expect(() => check(record)).not.toThrow();
    expect(() => check(flipped(record, record.length - 1))).not.toThrow();
    refused(() => check(record, other));
    const { headerBytes } = splitRecord(record);
    for (let at = headerBytes.length; at < record.length - splitRecord(record).sealedBody.length; at++) {
      refused(() => check(flipped(record, at)));
    }
  });

  it('[R-13] leaves the digest of the record as it was: SHA-256(H ‖ C ‖ B)', () => {
    const { headerBytes, envelope, sealedBody } = splitRecord(record);
    const expected = createHash('sha256')
      .update(Buffer.concat([headerBytes, envelope.commitment, sealedBody]))
      .digest();
    expect(recordDigest(splitRecord(record))).toEqual(expected);
    expect(recordDigest(splitRecord(rewrapRecord(record, key, other)))).toEqual(expected);
  });

  it('does not make a damaged record look sound', () => {
    for (let at = 0; at < record.length - body.length - 16; at++) {
      expect(() => rewrapRecord(flipped(record, at), key, other)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(INTEGRITY|FORMAT_VERSION)$/) }),
      );
    }
    // B is not opened for re-wrapping, and still refused afterwards.
    refused(() => open(rewrapRecord(flipped(record, record.length - 1), key, other), other));
  });

  it('keeps the suite', () => {
    expect(() => rewrapRecord(record, key, { ...other, suite: 2 })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    );
  });
});
