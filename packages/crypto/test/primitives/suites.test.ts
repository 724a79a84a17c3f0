import { createHmac, createSecretKey } from 'node:crypto';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { splitRecord, systemContext } from '@securestore/core-format';
import type { ChunkCipher } from '../../src/index.ts';
import {
  BlobOpener,
  BlobSealer,
  loadSuites,
  openRecord,
  openSystemBody,
  rewrapRecord,
  sealRecord,
  sealSystemBody,
  SUITE_IDS,
  suiteOf,
  unversioned,
} from '../../src/index.ts';
import { loadLibsodium } from '../../src/primitives/sodium.ts';
import { bytesFrom, flipped, recordHeader, recordKey, repeatableRandom } from '../support/fixtures.ts';

const refusal = expect.objectContaining({ code: 'INTEGRITY' }) as unknown;
const KEY = bytesFrom('key', 32);

function sealedBy(cipher: ChunkCipher, index: number, chunk: Buffer): Buffer {
  const sealed = Buffer.alloc(chunk.length + 16);
  cipher.seal(index, chunk, sealed, 0);
  return sealed;
}

// Before anything has loaded it.
it('a suite that was not loaded is not used', () => {
  expect(() => suiteOf(2)).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
});

it('[G-04] a suite that this release has not is FORMAT_VERSION, loaded or not', async () => {
  await loadSuites([3, 255]);
  expect(() => suiteOf(3)).toThrow(expect.objectContaining({ code: 'FORMAT_VERSION' }));
});

describe.each(SUITE_IDS)('suite %i', (id) => {
  beforeAll(() => loadSuites([id]));
  const random = repeatableRandom(`suite ${id}`);
  const header = recordHeader('a', { suite: id });
  const own = recordKey('one', id);

  it('opens what it sealed, and nothing with a byte changed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (plaintext, where) => {
        const suite = suiteOf(id);
        const sealed = Buffer.alloc(plaintext.length + 16);
        suite.sealOnce(KEY, plaintext, sealed, 0);
        for (const open of ['openOnce', 'openSecret'] as const) {
          expect(suite[open](KEY, sealed)).toEqual(Buffer.from(plaintext));
          expect(suite[open](KEY, flipped(sealed, where % sealed.length, 1))).toBeUndefined();
          expect(suite[open](bytesFrom('other', 32), sealed)).toBeUndefined();
        }
      }),
    );
  });

  it('opens no message that is too short to have a tag', () => {
    for (let length = 0; length < 16; length++) {
      expect(suiteOf(id).openOnce(KEY, Buffer.alloc(length))).toBeUndefined();
      expect(suiteOf(id).openSecret(KEY, Buffer.alloc(length))).toBeUndefined();
      expect(suiteOf(id).chunkCipher(KEY).open(0, Buffer.alloc(length))).toBeUndefined();
    }
  });

  it('expands a key and an input to 64 bytes that depend on all of both', () => {
    const suite = suiteOf(id);
    const input = Buffer.from('an input');
    const expanded = suite.expand(KEY, input);
    expect(expanded.length).toBe(64);
    for (let at = 0; at < KEY.length; at++) expect(suite.expand(flipped(KEY, at), input)).not.toEqual(expanded);
    for (let at = 0; at < input.length; at++) expect(suite.expand(KEY, flipped(input, at))).not.toEqual(expanded);
  });

  it('seals chunks under their numbers, up to the last that a blob can have', () => {
    const cipher = suiteOf(id).chunkCipher(KEY);
    for (const index of [0, 1, 255, 256, 2 ** 32 - 1]) {
      const sealed = sealedBy(cipher, index, Buffer.from('a chunk'));
      expect(cipher.open(index, sealed)).toEqual(Buffer.from('a chunk'));
      expect(cipher.open(index + 1, sealed)).toBeUndefined();
    }
  });

  it('keeps its chunk key when the caller wipes the bytes it was made from', () => {
    const bytes = Buffer.from(KEY);
    const cipher = suiteOf(id).chunkCipher(bytes);
    bytes.fill(0);
    const sealed = sealedBy(suiteOf(id).chunkCipher(KEY), 0, Buffer.from('x'));
    expect(cipher.open(0, sealed)).toEqual(Buffer.from('x'));
  });

  it('seals records, which open under their key alone, and re-wraps them', () => {
    const record = sealRecord(own, header, Buffer.from('a body'), random);
    expect(openRecord(splitRecord(record), own)).toEqual(Buffer.from('a body'));
    expect(() => openRecord(splitRecord(record), { ...recordKey('other', id), id: own.id })).toThrow(refusal);
    const other = recordKey('other', id);
    const rewrapped = rewrapRecord(record, own, other);
    expect(openRecord(splitRecord(rewrapped), other)).toEqual(Buffer.from('a body'));
    expect(rewrapRecord(record, own, other)).toEqual(rewrapped);
    for (let at = 0; at < record.length; at++) {
      expect(() => openRecord(splitRecord(flipped(record, at, 1)), own), `byte ${at}`).toThrow();
    }
  });

  it('seals blobs and objects of the store itself', () => {
    const blob = { suite: id, chunkSize: 4096, blobId: bytesFrom('blob', 16) };
    const sealer = new BlobSealer(blob, KEY);
    const out = Buffer.alloc(5000);
    const length = sealer.seal(Buffer.from('the last chunk'), out, 0);
    const opener = new BlobOpener(blob, KEY);
    opener.checkPrefix(sealer.prefix);
    expect(opener.open(0, out.subarray(0, length))).toEqual(Buffer.from('the last chunk'));
    const context = systemContext(bytesFrom('instance', 16), 1, 'k/00000000001-x');
    const system = { id: own.id, suite: id, secret: createSecretKey(KEY) };
    const sealed = sealSystemBody(system, 'hint', context, Buffer.from('a hint'), random);
    const open = (suites: readonly number[]): Buffer =>
      openSystemBody('it', () => system, suites, 'hint', context, sealed);
    expect(open([id])).toEqual(Buffer.from('a hint'));
    expect(() => open(SUITE_IDS.filter((other) => other !== id))).toThrow(refusal);
    expect(() => openSystemBody('it', unversioned(system.secret), [id], 'hint', context, sealed)).toThrow(refusal);
  });
});

describe('two suites', () => {
  beforeAll(() => loadSuites(SUITE_IDS));
  const random = repeatableRandom('two');

  it('[R-06] never open what the other has sealed, whatever a record says of itself', () => {
    for (const [own, other] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const record = sealRecord(recordKey('k', own), recordHeader('a', { suite: own }), Buffer.from('body'), random);
      expect(() => openRecord(splitRecord(record), recordKey('k', other))).toThrow(refusal);
      // The byte that states the suite.
      const relabelled = Buffer.from(record);
      relabelled.writeUInt8(other, 5);
      expect(() => openRecord(splitRecord(relabelled), recordKey('k', other))).toThrow(refusal);
      expect(() => rewrapRecord(record, recordKey('k', own), recordKey('l', other))).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
      );
    }
  });

  it('expand in ways of their own', () => {
    const input = Buffer.from('input');
    expect(suiteOf(1).expand(KEY, input)).toEqual(createHmac('sha512', KEY).update(input).digest());
    expect(suiteOf(2).expand(KEY, input)).not.toEqual(suiteOf(1).expand(KEY, input));
  });

  it('suite 2 expands by BLAKE2b with a key: the first and the last keyed vector of its reference code', async () => {
    const long = Buffer.from(Array.from({ length: 64 }, (_, index) => index));
    const sodium = await loadLibsodium();
    const hash = (length: number): string => sodium.crypto_generichash(64, long.subarray(0, length), long, 'hex');
    expect(hash(0)).toBe(
      '10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568',
    );
    expect(hash(1)).toBe(
      '961f6dd1e4dd30f63901690c512e78e4b45e4742ed197c3c5e45c549fd25f2e4187b0bc9fe30492b16b0d0bc4ef9b0f34c7003fac09a5ef1532e69430234cebd',
    );
  });
});
