import { createHmac } from 'node:crypto';
import { encodeBlobHeader } from '@securestore/core-format';
import { describe, expect, it } from 'vitest';
import { BlobOpener, BlobSealer, suiteOf } from '../../src/index.ts';
import { bytesFrom, flipped } from '../support/fixtures.ts';

const CHUNK = 4096;
const key = bytesFrom('blob key', 32);
const header = { suite: 1, chunkSize: CHUNK, blobId: bytesFrom('blob id', 16) };

/** The sealed chunks of `payload`: the last is shorter than a full one. */
function sealAll(payload: Buffer): Buffer[] {
  const sealer = new BlobSealer(header, key);
  const chunks: Buffer[] = [];
  for (let at = 0; at <= payload.length; at += CHUNK) {
    const out = Buffer.alloc(CHUNK + 16);
    chunks.push(out.subarray(0, sealer.seal(payload.subarray(at, at + CHUNK), out, 0)));
  }
  return chunks;
}

const payload = bytesFrom('payload', 2 * CHUNK + 100);
const chunks = sealAll(payload);
const opener = new BlobOpener(header, key);
const [first = Buffer.alloc(0), second = Buffer.alloc(0), last = Buffer.alloc(0)] = chunks;

const refused = (act: () => unknown): void => {
  expect(act).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
};

describe('a blob', () => {
  it('[L-05] opens to what was sealed, for lengths around whole chunks', () => {
    for (const length of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]) {
      const sealed = sealAll(bytesFrom('x', length));
      expect(sealed).toHaveLength(Math.floor(length / CHUNK) + 1);
      expect(Buffer.concat(sealed.map((chunk, index) => opener.open(index, chunk)))).toEqual(bytesFrom('x', length));
    }
  });

  it('[L-07] [L-08] is what the specification says, recomputed by hand', () => {
    const headerBytes = encodeBlobHeader(header);
    const input = Buffer.concat([
      Buffer.from('securestore/1 blob\0'),
      Buffer.from([0, 28]),
      headerBytes,
      Buffer.from([1]),
    ]);
    const t = createHmac('sha512', key).update(input).digest();
    expect(new BlobSealer(header, key).prefix).toEqual(Buffer.concat([headerBytes, t.subarray(32)]));
    expect(suiteOf(1).chunkCipher(t.subarray(0, 32)).open(1, second)).toEqual(payload.subarray(CHUNK, 2 * CHUNK));
    // The first chunk has the counter 0: the nonce of a single message.
    expect(suiteOf(1).openOnce(t.subarray(0, 32), first)).toEqual(payload.subarray(0, CHUNK));
  });

  it('[L-08] is refused with a flipped byte in any chunk', () => {
    for (const [index, chunk] of chunks.entries()) {
      for (let at = 0; at < chunk.length; at += 97) refused(() => opener.open(index, flipped(chunk, at)));
      for (let at = chunk.length - 16; at < chunk.length; at++)
        refused(() => opener.open(index, flipped(chunk, at, 1)));
    }
  });

  it('[L-08] is refused with chunks in another place', () => {
    refused(() => opener.open(0, second));
    refused(() => opener.open(1, first));
    refused(() => opener.open(3, last));
    refused(() => opener.open(2 ** 32 - 1, last));
  });

  it('[L-08] is refused with chunks cut, joined or extended', () => {
    refused(() => opener.open(0, first.subarray(0, first.length - 1)));
    refused(() => opener.open(0, Buffer.concat([first, second])));
    refused(() => opener.open(2, Buffer.concat([last, Buffer.alloc(1)])));
    for (let length = 0; length < 17; length++) refused(() => opener.open(2, last.subarray(0, length)));
  });

  it('is refused with chunks of another blob, also one of the same key', () => {
    for (const changed of [{ blobId: bytesFrom('other', 16) }, { chunkSize: 2 * CHUNK }]) {
      refused(() => new BlobOpener({ ...header, ...changed }, key).open(0, first));
    }
    refused(() => new BlobOpener(header, bytesFrom('other key', 32)).open(0, first));
  });

  it('[L-07] is refused with any byte of its prefix flipped', () => {
    const { prefix } = new BlobSealer(header, key);
    expect(prefix).toHaveLength(60);
    opener.checkPrefix(prefix);
    for (let at = 0; at < prefix.length; at++) refused(() => opener.checkPrefix(flipped(prefix, at, 1)));
    refused(() => opener.checkPrefix(prefix.subarray(1)));
    refused(() => opener.checkPrefix(Buffer.alloc(0)));
  });

  it('[L-05] takes nothing after a short chunk, and no chunk over its size', () => {
    const sealer = new BlobSealer(header, key);
    const out = Buffer.alloc(3 * CHUNK);
    expect(() => sealer.seal(Buffer.alloc(CHUNK + 1), out, 0)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    expect(sealer.seal(Buffer.alloc(CHUNK - 1), out, 0)).toBe(CHUNK - 1 + 16);
    expect(() => sealer.seal(Buffer.alloc(0), out, 0)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('never writes less than a whole sealed chunk', () => {
    for (const room of [0, CHUNK, CHUNK + 15]) {
      const sealer = new BlobSealer(header, key);
      expect(() => sealer.seal(Buffer.alloc(CHUNK), Buffer.alloc(room), 0)).toThrow(
        expect.objectContaining({ code: 'INTERNAL' }),
      );
    }
  });

  it('[G-04] refuses suites that this release does not have', () => {
    for (const suite of [0, 3, 255]) {
      expect(() => new BlobOpener({ ...header, suite }, key)).toThrow(
        expect.objectContaining({ code: 'FORMAT_VERSION' }),
      );
    }
  });
});
