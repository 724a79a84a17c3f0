import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ObjectBody } from '../../src/index.ts';
import {
  decodeObjectBody,
  decodeTombstoneBody,
  encodeObjectBody,
  encodeTombstoneBody,
  MAX_INLINE_BYTES,
  MAX_METADATA_BYTES,
  MAX_TIME,
} from '../../src/index.ts';
import { objectBodies } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

const body: ObjectBody = {
  name: 'a/b',
  created: 1,
  modified: 2,
  expires: 0,
  origin: 0,
  length: 3,
  digest: Buffer.alloc(32, 9),
  metadata: Buffer.from('{"a":1}'),
  payload: { kind: 'inline', data: Buffer.from('abc') },
};

const accepted = (value: Partial<ObjectBody>): void => {
  expect(() => decodeObjectBody(encodeObjectBody({ ...body, ...value }))).not.toThrow();
};
const refused = (value: Partial<ObjectBody>): void => {
  expect(() => decodeObjectBody(encodeObjectBody({ ...body, ...value }))).toThrow(
    expect.objectContaining({ code: 'INTEGRITY' }),
  );
};

describe('the body of an object', () => {
  itObeysTheCodecLaws({ values: objectBodies, encode: encodeObjectBody, decode: decodeObjectBody });

  it('[B-01] has a name of 1 to 1024 bytes of UTF-8', () => {
    accepted({ name: 'x'.repeat(1024) });
    accepted({ name: 'ü'.repeat(512) });
    refused({ name: '' });
    refused({ name: 'x'.repeat(1025) });
    refused({ name: 'ü'.repeat(513) });
  });

  it('[G-02] refuses a name that is not UTF-8', () => {
    for (const bad of [
      [0x80, 0x80],
      [0xc0, 0xaf],
      [0xed, 0xa0],
      [0xff, 0xfe],
    ]) {
      const bytes = encodeObjectBody({ ...body, name: 'xy' });
      bytes.set(bad, 2);
      expect(() => decodeObjectBody(bytes)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    }
  });

  it('[B-02] has at most 64 KiB of metadata', () => {
    accepted({ metadata: Buffer.alloc(MAX_METADATA_BYTES) });
    refused({ metadata: Buffer.alloc(MAX_METADATA_BYTES + 1) });
    const huge = encodeObjectBody(body);
    huge.writeUInt32BE(0xffff_ffff, 2 + 3 + 40 + 32);
    expect(() => decodeObjectBody(huge)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
  });

  it('[B-03] has an inline payload of exactly its length, at most 64 KiB', () => {
    accepted({ length: 0, payload: { kind: 'inline', data: Buffer.alloc(0) } });
    accepted({ length: MAX_INLINE_BYTES, payload: { kind: 'inline', data: Buffer.alloc(MAX_INLINE_BYTES) } });
    refused({ length: MAX_INLINE_BYTES + 1, payload: { kind: 'inline', data: Buffer.alloc(MAX_INLINE_BYTES + 1) } });
    refused({ length: 2 });
    refused({ length: 4 });
  });

  it('[B-04] refuses kinds of payload that are none', () => {
    const bytes = encodeObjectBody({ ...body, length: 0, payload: { kind: 'inline', data: Buffer.alloc(0) } });
    for (const kind of [1, 2, 255]) {
      bytes.writeUInt8(kind, bytes.length - 1);
      expect(() => decodeObjectBody(bytes)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    }
  });

  it('[B-06] states the suite of a blob, before its key', () => {
    const key = Buffer.alloc(32, 7);
    for (const suite of [0, 1, 2, 255]) {
      const payload = { kind: 'blob', suite, key, chunkSize: 4096 } as const;
      const bytes = encodeObjectBody({ ...body, payload });
      expect(bytes.subarray(-38)).toEqual(Buffer.concat([Buffer.from([1, suite]), key, Buffer.from([0, 0, 0x10, 0])]));
      expect(decodeObjectBody(bytes).payload).toEqual(payload);
    }
  });

  it('[G-08] refuses times that no calendar has', () => {
    for (const member of ['created', 'modified', 'expires']) {
      accepted({ [member]: MAX_TIME });
      refused({ [member]: MAX_TIME + 1 });
    }
  });

  it('[G-06] refuses a critical field of a later release and keeps another', () => {
    accepted({ extra: [{ tag: 1, critical: false, value: Buffer.from('x') }] });
    const bytes = encodeObjectBody({ ...body, extra: [{ tag: 1, critical: true, value: Buffer.from('x') }] });
    expect(() => decodeObjectBody(bytes)).toThrow(expect.objectContaining({ code: 'FORMAT_VERSION' }));
  });
});

describe('the body of a tombstone', () => {
  itObeysTheCodecLaws({
    values: fc.record({ modified: fc.nat({ max: MAX_TIME }), origin: fc.maxSafeNat() }),
    encode: encodeTombstoneBody,
    decode: decodeTombstoneBody,
  });
});
