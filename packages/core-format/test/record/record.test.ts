import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordHeader } from '../../src/index.ts';
import {
  decodeRecordHeader,
  encodeRecordHeader,
  ENVELOPE_LENGTH,
  joinRecord,
  noId,
  splitRecord,
  TOMBSTONE_LENGTH,
} from '../../src/index.ts';
import { bytesOf, headers } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws, plain } from '../support/codec-laws.ts';

const id = (byte: number): Buffer => Buffer.alloc(16, byte);

const header: RecordHeader = {
  suite: 1,
  kind: 'object',
  lineage: id(1),
  nameId: id(2),
  categoryId: id(3),
  version: 1_700_000_000_000_000,
  commitId: id(4),
  previousCommitId: noId(),
  generation: 7,
};

/** A header with its optional fields written by hand: tag, critical, value. */
function withFields(kind: 'object' | 'tombstone', ...fields: [number, number, Uint8Array][]): Buffer {
  const area = fields.map(([tag, critical, value]) => {
    const start = Buffer.from([tag, critical, 0, 0]);
    start.writeUInt16BE(value.length, 2);
    return Buffer.concat([start, value]);
  });
  const bytes = Buffer.concat([encodeRecordHeader({ ...header, kind }), ...area]);
  bytes.writeUInt16BE(bytes.length, 8);
  return bytes;
}

const refused = (bytes: Uint8Array, code = 'INTEGRITY'): void => {
  expect(() => decodeRecordHeader(bytes)).toThrow(expect.objectContaining({ code }));
};

describe('the header of a record', () => {
  itObeysTheCodecLaws({ values: headers, encode: encodeRecordHeader, decode: decodeRecordHeader });

  it('[R-01] has 106 bytes before its optional fields, and says so', () => {
    expect(encodeRecordHeader(header)).toHaveLength(106);
    for (const length of [0, 105, 107]) {
      const bytes = encodeRecordHeader(header);
      bytes.writeUInt16BE(length, 8);
      refused(bytes);
    }
  });

  it('[G-04] starts with its magic and format version', () => {
    const bytes = encodeRecordHeader(header);
    bytes.writeUInt8(2, 4);
    refused(bytes, 'FORMAT_VERSION');
    bytes.writeUInt8(0x54, 0);
    refused(bytes);
  });

  it('[G-07] refuses a reserved byte that is not zero', () => {
    const bytes = encodeRecordHeader(header);
    bytes.writeUInt8(1, 7);
    refused(bytes);
  });

  it('[R-02] refuses kinds that are none', () => {
    for (const kind of [0, 4, 255]) {
      const bytes = encodeRecordHeader(header);
      bytes.writeUInt8(kind, 6);
      refused(bytes);
    }
  });

  it('[R-03] refuses a commit id of zeros', () => {
    refused(encodeRecordHeader({ ...header, commitId: noId() }));
  });

  it('[G-09] refuses numbers over 2^53 - 1', () => {
    const bytes = encodeRecordHeader(header);
    bytes.writeUInt32BE(0x20_0000, 58);
    bytes.writeUInt32BE(0, 62);
    refused(bytes);
  });

  it('[G-05] refuses optional fields out of order, twice, or with the tag 0', () => {
    const value = Buffer.from('x');
    expect(decodeRecordHeader(withFields('object', [5, 0, value], [9, 0, value])).extra).toHaveLength(2);
    refused(withFields('object', [9, 0, value], [5, 0, value]));
    refused(withFields('object', [5, 0, value], [5, 0, value]));
    refused(withFields('object', [0, 0, value]));
    refused(withFields('object', [5, 2, value]));
  });

  it('[G-06] refuses an unknown critical field and keeps an unknown other one', () => {
    refused(withFields('object', [200, 1, Buffer.from('later')]), 'FORMAT_VERSION');
    const bytes = withFields('object', [200, 0, Buffer.from('later')]);
    expect(encodeRecordHeader(decodeRecordHeader(bytes))).toEqual(bytes);
  });

  it('never writes optional fields that it would refuse', () => {
    for (const tags of [[3, 2], [3, 3], [0]]) {
      const extra = tags.map((tag) => ({ tag, critical: false, value: Buffer.alloc(1) }));
      expect(() => encodeRecordHeader({ ...header, extra })).toThrow(RangeError);
    }
  });

  it('[R-04] takes a blob reference only as a critical field of 28 bytes, and only of an object', () => {
    const value = Buffer.alloc(28, 1);
    value.writeUInt32BE(0, 20);
    expect(decodeRecordHeader(withFields('object', [1, 1, value])).blob?.partSize).toBe(0x0101_0101);
    refused(withFields('object', [1, 0, value]));
    refused(withFields('object', [1, 1, value.subarray(1)]));
    refused(withFields('tombstone', [1, 1, value]));
  });

  it('[R-05] gives a tombstone no optional fields', () => {
    refused(withFields('tombstone', [9, 0, Buffer.alloc(1)]));
  });

  it('refuses a field that reaches past the header', () => {
    const bytes = withFields('object', [9, 0, Buffer.from('abc')]);
    bytes.writeUInt16BE(4, 108);
    refused(bytes);
    bytes.writeUInt16BE(2, 108);
    refused(bytes);
  });
});

describe('a record', () => {
  const envelope = fc.record({ keyId: bytesOf(8), commitment: bytesOf(32), wrappedKey: bytesOf(48) });
  const records = fc
    .tuple(headers, envelope, fc.uint8Array({ minLength: 17, maxLength: 90 }))
    .map(([head, parts, body]) => ({
      header: head,
      headerBytes: encodeRecordHeader(head),
      envelope: parts,
      sealedBody: Buffer.from(head.kind === 'tombstone' ? Buffer.alloc(32, body) : body),
    }));

  itObeysTheCodecLaws({
    values: records,
    encode: (record) => joinRecord(record.headerBytes, record.envelope, record.sealedBody),
    decode: splitRecord,
    openEnded: true,
  });

  it('[G-03] refuses each truncation into H, E or the tag of B', () => {
    const bytes = joinRecord(
      encodeRecordHeader(header),
      { keyId: Buffer.alloc(8), commitment: Buffer.alloc(32), wrappedKey: Buffer.alloc(48) },
      Buffer.alloc(16),
    );
    for (let length = 0; length < bytes.length; length++) {
      expect(() => splitRecord(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    }
  });

  it('[R-05] has one size for all tombstones', () => {
    const parts = { keyId: Buffer.alloc(8), commitment: Buffer.alloc(32), wrappedKey: Buffer.alloc(48) };
    const tombstone = encodeRecordHeader({ ...header, kind: 'tombstone' });
    const bytes = joinRecord(tombstone, parts, Buffer.alloc(32));
    expect(bytes).toHaveLength(TOMBSTONE_LENGTH);
    expect(TOMBSTONE_LENGTH).toBe(106 + ENVELOPE_LENGTH + 32);
    expect(splitRecord(bytes).header.kind).toBe('tombstone');
    for (const length of [16, 24, 31, 33, 1000]) {
      expect(() => splitRecord(joinRecord(tombstone, parts, Buffer.alloc(length)))).toThrow(
        expect.objectContaining({ code: 'INTEGRITY' }),
      );
    }
  });

  it('is cut at the same places wherever its bytes lie in memory', () => {
    fc.assert(
      fc.property(records, fc.nat({ max: 9 }), (record, offset) => {
        const bytes = joinRecord(record.headerBytes, record.envelope, record.sealedBody);
        const shifted = new Uint8Array(offset + bytes.length + 5);
        shifted.set(bytes, offset);
        expect(plain(splitRecord(shifted.subarray(offset, offset + bytes.length)))).toEqual(plain(record));
      }),
      { numRuns: 50 },
    );
  });
});
