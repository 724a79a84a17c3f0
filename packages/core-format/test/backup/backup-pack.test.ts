import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PackedEnvelope, PackItem, RecordHeader } from '../../src/index.ts';
import {
  decodeBlobDigests,
  decodeEnvelopes,
  decodePack,
  decodePackDirectory,
  decodePackStart,
  encodeBlobDigests,
  encodeEnvelopes,
  encodePack,
  encodeRecordHeader,
  isPackable,
  PACK_START_LENGTH,
  packedHeader,
  PackBuilder,
  packItemLength,
  withChecksum,
} from '../../src/index.ts';
import { bytesOf, headers, packedEnvelopes, packItems } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws, plain } from '../support/codec-laws.ts';

const NOTHING = new Uint8Array();
const recordItem: PackItem = {
  headerBytes: Buffer.from('header'),
  commitment: Buffer.alloc(32, 1),
  body: Buffer.from('body'),
};
const otherItem: PackItem = { headerBytes: NOTHING, commitment: NOTHING, body: Buffer.from('bytes') };

/** Where the numbers of a pack are. */
const COUNT = 5;
const DIRECTORY = 9;

const refused = (code: string): unknown => expect.objectContaining({ code });
const patched = (bytes: Buffer, at: number, value: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed.writeUInt32BE(value, at);
  return changed;
};

const withVersion = (bytes: Buffer): Buffer => {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(2, 4);
  return changed;
};

const itRefusesPack = (bytes: Uint8Array, code = 'INTEGRITY'): void => {
  expect(() => decodePack(bytes)).toThrow(refused(code));
};

const itRefusesEnvelopes = (bytes: Uint8Array, code = 'INTEGRITY'): void => {
  expect(() => decodeEnvelopes(bytes)).toThrow(refused(code));
};

describe('a pack', () => {
  itObeysTheCodecLaws({ values: packItems, encode: encodePack, decode: decodePack });

  it('[P-13] has items, a directory as long as it says, and bodies that end with it', () => {
    const bytes = encodePack([recordItem, otherItem]);
    expect(plain(decodePack(bytes))).toEqual(plain([recordItem, otherItem]));
    itRefusesPack(encodePack([]));
    expect(() => decodePackStart(encodePack([]))).toThrow(refused('INTEGRITY'));
    itRefusesPack(patched(bytes, COUNT, 1));
    itRefusesPack(patched(bytes, COUNT, 3));
    for (const by of [-1, 1]) itRefusesPack(patched(bytes, DIRECTORY, bytes.readUInt32BE(DIRECTORY) + by));
    itRefusesPack(bytes.subarray(0, -1));
    itRefusesPack(Buffer.concat([bytes, Buffer.alloc(1)]));
  });

  it('is the same from a builder that made others before, and shares no memory with it or its items', () => {
    fc.assert(
      fc.property(fc.array(packItems, { minLength: 1, maxLength: 4 }), fc.nat({ max: 64 }), (packs, expected) => {
        const builder = new PackBuilder(expected);
        const built = packs.map((items) => {
          builder.clear();
          for (const item of items) {
            const body = Buffer.from(item.body);
            builder.add({ ...item, body });
            body.fill(0xff);
          }
          expect(builder.length + PACK_START_LENGTH).toBe(encodePack(items).length);
          expect(builder.count).toBe(items.length);
          return builder.finish();
        });
        expect(built.map((bytes) => bytes.toString('hex'))).toEqual(
          packs.map((items) => encodePack(items).toString('hex')),
        );
      }),
    );
  });

  it('[P-13] is known by its beginning: what is in it, and where', () => {
    fc.assert(
      fc.property(packItems, (items) => {
        const bytes = encodePack(items);
        const { count, bodiesAt } = decodePackStart(bytes.subarray(0, PACK_START_LENGTH));
        expect(count).toBe(items.length);
        const directory = decodePackDirectory(bytes.subarray(0, bodiesAt));
        for (const [at, { start, length, headerBytes, commitment }] of directory.entries()) {
          const found = { headerBytes, commitment, body: bytes.subarray(start, start + length) };
          expect(plain(found)).toEqual(plain(items[at]));
        }
        expect(bytes.length).toBe(items.reduce((sum, item) => sum + packItemLength(item), PACK_START_LENGTH));
      }),
    );
  });

  it('[P-13] has no directory of a length that its items can not have, so that nobody reads gigabytes of one', () => {
    const start = encodePack([recordItem]).subarray(0, PACK_START_LENGTH);
    const most = 2 + 0xffff + 32 + 4;
    for (const length of [5, most + 1, 0xffff_ffff]) {
      expect(() => decodePackStart(patched(start, DIRECTORY, length))).toThrow(refused('INTEGRITY'));
    }
    for (const length of [6, most]) {
      expect(decodePackStart(patched(start, DIRECTORY, length)).bodiesAt).toBe(PACK_START_LENGTH + length);
    }
    itRefusesPack(patched(encodePack([recordItem]), COUNT, 0xffff_ffff));
  });

  it('[P-03] of another format version is FORMAT_VERSION', () => {
    itRefusesPack(withVersion(encodePack([recordItem])), 'FORMAT_VERSION');
  });

  it('says of which record an item is', () => {
    fc.assert(
      fc.property(headers, (header: RecordHeader) => {
        const headerBytes = encodeRecordHeader(header);
        expect(plain(packedHeader({ headerBytes }))).toEqual(plain(header));
        expect(isPackable(headerBytes)).toBe(true);
      }),
      { numRuns: 20 },
    );
    expect(packedHeader(otherItem)).toBeUndefined();
    expect(() => packedHeader(recordItem)).toThrow(refused('INTEGRITY'));
    expect(isPackable(Buffer.alloc(65_536))).toBe(false);
  });
});

const CHECKSUM = 32;
const checked = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, createHash('sha256').update(bytes).digest()]);

describe('the envelopes of a pack', () => {
  itObeysTheCodecLaws({ values: packedEnvelopes, encode: encodeEnvelopes, decode: decodeEnvelopes });
});

describe('the envelopes of a pack, with a checksum that was made to match', () => {
  itObeysTheCodecLaws({
    values: packedEnvelopes,
    encode: (envelopes) => encodeEnvelopes(envelopes).subarray(0, -CHECKSUM),
    decode: (bytes) => decodeEnvelopes(checked(bytes)),
  });

  const envelope: PackedEnvelope = { keyId: Buffer.alloc(8, 1), wrappedKey: Buffer.alloc(48, 2) };
  it('[P-14] are as many as they say, at least one, with a checksum of all that comes before it', () => {
    const bytes = encodeEnvelopes([envelope, undefined]);
    const unchecked = bytes.subarray(0, -CHECKSUM);
    expect(bytes).toEqual(checked(unchecked));
    itRefusesEnvelopes(encodeEnvelopes([]));
    for (const count of [0, 1, 3, 0xffff_ffff]) itRefusesEnvelopes(checked(patched(unchecked, COUNT, count)));
    for (let at = 5; at < bytes.length; at++) {
      const other = Buffer.from(bytes);
      other.writeUInt8(other.readUInt8(at) ^ 0x80, at);
      itRefusesEnvelopes(other);
    }
  });

  it('[P-14] have 56 zeros in the place of what is no record, and nothing less', () => {
    const noKey = { keyId: Buffer.alloc(8), wrappedKey: Buffer.alloc(48, 2) };
    const noWrapped = { keyId: Buffer.alloc(8, 1), wrappedKey: Buffer.alloc(48) };
    const envelopes = [noKey, undefined, noWrapped];
    expect(plain(decodeEnvelopes(encodeEnvelopes(envelopes)))).toEqual(plain(envelopes));
    expect(encodeEnvelopes(envelopes).subarray(9 + 56, 9 + 112)).toEqual(Buffer.alloc(56));
  });

  it('[P-03] of another format version are FORMAT_VERSION', () => {
    itRefusesEnvelopes(withVersion(encodeEnvelopes([envelope])), 'FORMAT_VERSION');
  });
});

describe('the digests of the parts of a payload', () => {
  const blobId = Buffer.alloc(16, 3);
  itObeysTheCodecLaws({
    values: fc.array(bytesOf(32), { minLength: 1, maxLength: 5 }),
    encode: (digests) => encodeBlobDigests(blobId, digests),
    decode: (bytes) => decodeBlobDigests(bytes, blobId),
  });

  const itRefuses = (bytes: Uint8Array, code = 'INTEGRITY'): void => {
    expect(() => decodeBlobDigests(bytes, blobId)).toThrow(refused(code));
  };

  it('[P-15] are as many as they say, at least one, and of the payload that was asked for', () => {
    const digests = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const bytes = encodeBlobDigests(blobId, digests);
    expect(decodeBlobDigests(bytes, blobId)).toEqual(digests);
    itRefuses(encodeBlobDigests(blobId, []));
    itRefuses(encodeBlobDigests(Buffer.alloc(16, 4), digests));
    for (const count of [0, 1, 3, 0xffff_ffff]) {
      itRefuses(withChecksum(patched(bytes, 5 + 16, count).subarray(0, -32)));
    }
    for (const at of [bytes.length - 1, 6]) itRefuses(patched(bytes, at - 3, (bytes.readUInt32BE(at - 3) ^ 1) >>> 0));
  });

  it('[P-03] of another format version are FORMAT_VERSION', () => {
    itRefuses(withVersion(encodeBlobDigests(blobId, [Buffer.alloc(32)])), 'FORMAT_VERSION');
  });
});
