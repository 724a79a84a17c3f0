import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blobGeometry,
  BLOB_PREFIX_LENGTH,
  chunksPerPart,
  encodeBlobHeader,
  locateChunk,
  MAX_CHUNK_SIZE,
  MAX_CHUNKS,
  MAX_PART_BYTES,
  MIN_CHUNK_SIZE,
  partLength,
} from '../../src/index.ts';

const chunkSizes = fc.integer({ min: 12, max: 20 }).map((bits) => 2 ** bits);

const geometries = chunkSizes.chain((chunkSize) =>
  fc.tuple(
    fc.oneof(
      fc.nat({ max: 50 * chunkSize }),
      fc.nat({ max: 50 }).map((chunks) => chunks * chunkSize),
      fc.nat({ max: chunkSize * (MAX_CHUNKS - 1) }),
    ),
    fc.constant(chunkSize),
    fc.integer({ min: 1, max: chunksPerPart(chunkSize, MAX_PART_BYTES) }).map((count) => count * (chunkSize + 16)),
  ),
);

const refused = (length: number, chunkSize: number, partSize: number): void => {
  expect(() => blobGeometry(length, chunkSize, partSize)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
};

describe('the geometry of a blob', () => {
  it('[L-05] ends with a chunk that is shorter than a full one, for every length', () => {
    fc.assert(
      fc.property(geometries, ([length, chunkSize, partSize]) => {
        const geometry = blobGeometry(length, chunkSize, partSize);
        const last = locateChunk(geometry, geometry.chunks - 1);
        expect(last.length - 16).toBe(length % chunkSize);
        expect(geometry.sealedLength).toBe(BLOB_PREFIX_LENGTH + length + 16 * geometry.chunks);
      }),
    );
  });

  it('lays chunks without gap or overlap into parts of the stated lengths', () => {
    fc.assert(
      fc.property(geometries, ([length, chunkSize, partSize]) => {
        const geometry = blobGeometry(length % (60 * chunkSize), chunkSize, partSize);
        let part = 0;
        let at = BLOB_PREFIX_LENGTH;
        for (let index = 0; index < geometry.chunks; index++) {
          const chunk = locateChunk(geometry, index);
          if (chunk.part !== part) {
            expect(chunk.part).toBe(part + 1);
            expect(at).toBe(partLength(geometry, part));
            part = chunk.part;
            at = 0;
          }
          expect(chunk.start).toBe(at);
          at += chunk.length;
          expect(at).toBeLessThanOrEqual(MAX_PART_BYTES);
        }
        expect(part).toBe(geometry.parts - 1);
        expect(at).toBe(partLength(geometry, part));
      }),
    );
  });

  it('gives all parts together the sealed length', () => {
    fc.assert(
      fc.property(geometries, ([length, chunkSize, partSize]) => {
        const geometry = blobGeometry(length, chunkSize, partSize);
        const last = geometry.parts - 1;
        const whole = last * partSize + (last === 0 ? 0 : BLOB_PREFIX_LENGTH);
        expect(whole + partLength(geometry, last)).toBe(geometry.sealedLength);
        expect(partLength(geometry, last)).toBeGreaterThan(0);
      }),
    );
  });

  it('[L-01] takes chunk sizes that are powers of two from 4 KiB to 1 MiB', () => {
    for (const chunkSize of [MIN_CHUNK_SIZE, MAX_CHUNK_SIZE]) {
      expect(blobGeometry(1, chunkSize, chunkSize + 16).chunks).toBe(1);
    }
    for (const chunkSize of [0, 1, 2048, MIN_CHUNK_SIZE - 1, MIN_CHUNK_SIZE + 1, 12_288, MAX_CHUNK_SIZE * 2, 2 ** 31]) {
      refused(1, chunkSize, chunkSize + 16);
    }
  });

  it('[L-02] takes parts of one or more whole sealed chunks, at most 8 MiB with the prefix', () => {
    const sealed = 65_536 + 16;
    const most = chunksPerPart(65_536, MAX_PART_BYTES);
    expect(blobGeometry(1, 65_536, most * sealed).partSize).toBe(most * sealed);
    for (const partSize of [0, 16, sealed - 1, sealed + 1, (most + 1) * sealed, 0xffff_ffff])
      refused(1, 65_536, partSize);
  });

  it('[L-04] takes at most 2^32 chunks', () => {
    const partSize = MIN_CHUNK_SIZE + 16;
    const most = MIN_CHUNK_SIZE * (MAX_CHUNKS - 1);
    expect(blobGeometry(most + MIN_CHUNK_SIZE - 1, MIN_CHUNK_SIZE, partSize).chunks).toBe(MAX_CHUNKS);
    refused(most + MIN_CHUNK_SIZE, MIN_CHUNK_SIZE, partSize);
    refused(Number.MAX_SAFE_INTEGER, MIN_CHUNK_SIZE, partSize);
  });
});

describe('the header of a blob', () => {
  it('has 28 bytes: magic, format, suite, zeros, chunk size, blob id', () => {
    const bytes = encodeBlobHeader({ suite: 1, chunkSize: 65_536, blobId: Buffer.alloc(16, 0xab) });
    expect(bytes.toString('hex')).toBe(`5353424c0101000000010000${'ab'.repeat(16)}`);
  });
});
