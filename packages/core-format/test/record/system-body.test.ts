import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SystemBody } from '../../src/index.ts';
import { decodeSystemBody, encodeSystemHeader, systemContext, SYSTEM_PREFIX_LENGTH } from '../../src/index.ts';
import { bytesOf } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

const keyId = Buffer.alloc(8, 5);
const bodyOf = (salt: Uint8Array, rest: Uint8Array): Buffer =>
  Buffer.concat([encodeSystemHeader(1, 'keyring', salt, keyId), rest]);

describe('a system body', () => {
  const bodies = fc
    .tuple(fc.nat({ max: 255 }), bytesOf(32), bytesOf(32), fc.uint8Array({ minLength: 16, maxLength: 60 }))
    .map(([suite, salt, commitment, sealed]): SystemBody => ({
      suite,
      purpose: 'keyring',
      headerBytes: encodeSystemHeader(suite, 'keyring', salt, keyId),
      salt: Buffer.from(salt),
      keyId,
      commitment: Buffer.from(commitment),
      sealed: Buffer.from(sealed),
    }));

  itObeysTheCodecLaws({
    values: bodies,
    encode: ({ headerBytes, commitment, sealed }) => Buffer.concat([headerBytes, commitment, sealed]),
    decode: (bytes) => decodeSystemBody('the keyring', 'keyring', bytes),
    openEnded: true,
  });

  it('[Y-01] is refused where another purpose is expected, or its reserved byte is not zero', () => {
    const bytes = bodyOf(Buffer.alloc(32), Buffer.alloc(48));
    expect(() => decodeSystemBody('it', 'categoryMap', bytes)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    bytes.writeUInt8(1, 7);
    expect(() => decodeSystemBody('it', 'keyring', bytes)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
  });

  it('[G-04] is refused with another format version', () => {
    const bytes = bodyOf(Buffer.alloc(32), Buffer.alloc(48));
    bytes.writeUInt8(2, 4);
    expect(() => decodeSystemBody('it', 'keyring', bytes)).toThrow(expect.objectContaining({ code: 'FORMAT_VERSION' }));
  });

  it('[G-03] is refused where it is too short for a tag', () => {
    const bytes = bodyOf(Buffer.alloc(32), Buffer.alloc(48));
    expect(bytes).toHaveLength(SYSTEM_PREFIX_LENGTH + 16);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSystemBody('it', 'keyring', bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'INTEGRITY' }),
      );
    }
  });
});

describe('the context of a system body', () => {
  it('is different for each instance, generation and name', () => {
    const parts = fc.tuple(
      bytesOf(16),
      fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      fc.stringMatching(/^[a-z0-9/-]{0,8}$/),
    );
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const same = Buffer.compare(a[0], b[0]) === 0 && a[1] === b[1] && a[2] === b[2];
        expect(systemContext(...a).equals(systemContext(...b))).toBe(same);
      }),
    );
  });

  it('states the length of the name that it holds', () => {
    const context = systemContext(Buffer.alloc(16), 1, 'k/é');
    expect(context.readUInt16BE(24)).toBe(context.length - 26);
  });
});
