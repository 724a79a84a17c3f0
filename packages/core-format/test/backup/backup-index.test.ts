import { describe, expect, it } from 'vitest';
import type { IndexedBlob, IndexEntry } from '../../src/index.ts';
import {
  compareIndexEntries,
  decodeIndexPage,
  encodeIndexPage,
  indexEntryLength,
  MAX_INDEX_PAGE_BYTES,
  TOMBSTONE_LENGTH,
} from '../../src/index.ts';
import { indexEntries } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

const pack = (byte: number, epoch = 1): IndexEntry['pack'] => ({ epoch, digest: Buffer.alloc(32, byte) });

const entry = (token: string, more: Partial<IndexEntry> = {}): IndexEntry => ({
  token,
  kind: 'object',
  version: 1,
  commitId: Buffer.alloc(16, 1),
  digest: Buffer.alloc(32, 2),
  size: 300,
  pack: pack(3),
  slot: 0,
  ...more,
});

const other = (token: string, more: Partial<IndexEntry> = {}): IndexEntry =>
  entry(token, { kind: 'other', version: 0, commitId: Buffer.alloc(16), ...more });

const blob: IndexedBlob = {
  epoch: 1,
  blobId: Buffer.alloc(16, 4),
  partSize: 4112,
  sealedLength: 5000,
  digest: Buffer.alloc(32, 5),
};

const commit = (byte: number): Partial<IndexEntry> => ({ commitId: Buffer.alloc(16, byte) });

const tokenOf = (n: number): string => `t${String(n).padStart(8, '0')}`;

/** Where the parts of a page of one pack begin. */
const PACKS = 1;
const PACK = PACKS + 2;
const COUNT = PACK + 40;
const ENTRY = COUNT + 4;
/** Behind the name of one character. */
const KIND = ENTRY + 3;
const PACK_OF_ENTRY = KIND + 1 + 8 + 16 + 32 + 4;
/** With a name of one character, and no payload. */
const ENTRY_LENGTH = PACK_OF_ENTRY + 6 - ENTRY;

const refused = (code: string): unknown => expect.objectContaining({ code });
const itRefuses = (bytes: Uint8Array, code = 'INTEGRITY'): void => {
  expect(() => decodeIndexPage(bytes)).toThrow(refused(code));
};
const itRefusesEntries = (...entries: IndexEntry[]): void => itRefuses(encodeIndexPage(entries));

describe('a page of an index', () => {
  itObeysTheCodecLaws({ values: indexEntries, encode: encodeIndexPage, decode: decodeIndexPage });

  it('[P-05] has entries in the order of tokens, of each the newest version first, none twice', () => {
    const ordered = [entry('a', { version: 9 }), entry('a', commit(1)), entry('a', commit(2)), entry('b')];
    expect(decodeIndexPage(encodeIndexPage(ordered))).toEqual(ordered);
    itRefusesEntries();
    itRefusesEntries(entry('b'), entry('a'));
    itRefusesEntries(entry('a'), entry('a'));
    itRefusesEntries(entry('a'), entry('a', { version: 2 }));
    itRefusesEntries(entry('a', commit(2)), entry('a', commit(1)));
  });

  it('[P-05] has tokens of 1 to 640 characters of the right kind', () => {
    expect(decodeIndexPage(encodeIndexPage([entry('a'.repeat(640))]))).toHaveLength(1);
    for (const token of ['', 'A', 'ä', 'a'.repeat(641)]) itRefusesEntries(entry(token));
  });

  it('[P-06] says a name once: never again for the next version, and never a new one as if it were none', () => {
    const bytes = encodeIndexPage([entry('a', { version: 2 }), entry('a')]);
    const second = bytes.length - (2 + 1 + 8 + 16 + 32 + 4 + 6);
    expect(bytes.readUInt16BE(second)).toBe(0);
    const repeated = Buffer.concat([bytes.subarray(0, second), Buffer.from([0, 1, 0x61]), bytes.subarray(second + 2)]);
    itRefuses(repeated);
    const nameless = encodeIndexPage([entry('a')]);
    itRefuses(Buffer.concat([nameless.subarray(0, ENTRY), Buffer.from([0, 0]), nameless.subarray(KIND)]));
  });

  it('[P-07] names its packs in the order in which entries come to them, each once, and none that no entry is in', () => {
    const entries = [entry('a', { pack: pack(9) }), entry('b', { pack: pack(1) }), entry('c', { pack: pack(9) })];
    expect(decodeIndexPage(encodeIndexPage(entries))).toEqual(entries);
    const three = encodeIndexPage(entries);
    const swapped = Buffer.concat([
      three.subarray(0, PACK),
      three.subarray(PACK + 40, PACK + 80),
      three.subarray(PACK, PACK + 40),
      three.subarray(PACK + 80),
    ]);
    for (const [at, place] of [1, 0, 1].entries()) swapped.writeUInt16BE(place, PACK_OF_ENTRY + 40 + at * ENTRY_LENGTH);
    itRefuses(swapped);
    const two = encodeIndexPage(entries.slice(0, 2));
    const unused = encodeIndexPage([entry('a')]);
    const table = unused.subarray(PACK, COUNT);
    const withUnused = Buffer.concat([unused.subarray(0, COUNT), Buffer.alloc(40, 1), unused.subarray(COUNT)]);
    withUnused.writeUInt16BE(2, PACKS);
    withUnused.writeBigUInt64BE(1n, COUNT);
    itRefuses(withUnused);
    const twice = Buffer.concat([two.subarray(0, PACK + 40), table, two.subarray(PACK + 80)]);
    table.copy(twice, PACK);
    itRefuses(twice);
    const beyond = encodeIndexPage([entry('a')]);
    beyond.writeUInt16BE(1, PACK_OF_ENTRY);
    itRefuses(beyond);
  });

  it('[P-08] has entries of known kinds, and payloads of objects alone', () => {
    const bytes = encodeIndexPage([entry('a')]);
    for (const code of [0, 1, 2, 3, 20, 255]) {
      bytes.writeUInt8(code, KIND);
      itRefuses(bytes);
    }
    const whole = [entry('a', { blob }), entry('b', { first: true }), entry('c', { first: true, blob })];
    expect(decodeIndexPage(encodeIndexPage(whole))).toEqual(whole);
    itRefusesEntries(entry('a', { kind: 'tombstone', size: TOMBSTONE_LENGTH, blob }));
    itRefusesEntries(entry('a', { kind: 'tombstone', size: TOMBSTONE_LENGTH, first: true }));
    itRefusesEntries(other('a', { blob }));
  });

  it('[P-08] has a commit and a number exactly for what is a version, and tombstones of their one size', () => {
    for (const kind of ['tombstone', 'purged'] as const) {
      expect(decodeIndexPage(encodeIndexPage([entry('a', { kind, size: TOMBSTONE_LENGTH })]))).toHaveLength(1);
      itRefusesEntries(entry('a', { kind, size: TOMBSTONE_LENGTH + 1 }));
    }
    expect(decodeIndexPage(encodeIndexPage([other('a/b')]))).toEqual([other('a/b')]);
    itRefusesEntries(entry('a', { commitId: Buffer.alloc(16) }));
    itRefusesEntries(other('a', { commitId: Buffer.alloc(16, 1) }));
    itRefusesEntries(other('a', { version: 1 }));
  });

  it('[P-08] has payloads of sizes that can be', () => {
    itRefusesEntries(entry('a', { blob: { ...blob, partSize: 0 } }));
    itRefusesEntries(entry('a', { blob: { ...blob, sealedLength: 59 } }));
    expect(decodeIndexPage(encodeIndexPage([entry('a', { blob: { ...blob, sealedLength: 60 } })]))).toHaveLength(1);
  });

  it('[P-02] names files of runs from 1, and is not written before its packs are', () => {
    itRefusesEntries(entry('a', { blob: { ...blob, epoch: 0 } }));
    const bytes = encodeIndexPage([entry('a')]);
    bytes.writeBigUInt64BE(0n, PACK);
    itRefuses(bytes);
    expect(() => encodeIndexPage([entry('a', { pack: pack(3, 0) })])).toThrow(RangeError);
  });

  it('[P-09] has at most 512 KiB', () => {
    const length = indexEntryLength(entry(tokenOf(0))) - 40;
    const fitting = Math.floor((MAX_INDEX_PAGE_BYTES - ENTRY) / length);
    const many = Array.from({ length: fitting + 1 }, (_, n) => entry(tokenOf(n)));
    expect(decodeIndexPage(encodeIndexPage(many.slice(0, fitting)))).toHaveLength(fitting);
    itRefusesEntries(...many);
  });

  it('[P-03] of another format version is FORMAT_VERSION', () => {
    const bytes = encodeIndexPage([entry('a')]);
    bytes.writeUInt8(2, 0);
    itRefuses(bytes, 'FORMAT_VERSION');
  });

  it('is refused at once with numbers of packs and entries that it can not have', () => {
    const bytes = encodeIndexPage([entry('a')]);
    const packs = Buffer.from(bytes);
    packs.writeUInt16BE(0xffff, PACKS);
    itRefuses(packs);
    const entries = Buffer.from(bytes);
    entries.writeUInt32BE(0xffff_ffff, COUNT);
    itRefuses(entries);
  });

  it('never takes more bytes than was reckoned', () => {
    const entries = [entry('a', { version: 2, blob }), entry('a'), entry('bcd', { pack: pack(7), blob }), entry('x')];
    const reckoned = entries.reduce((sum, one) => sum + indexEntryLength(one), 16);
    expect(encodeIndexPage(entries).length).toBeLessThanOrEqual(reckoned);
    const apart = [entry('a', { blob }), entry('b', { pack: pack(7), blob })];
    expect(encodeIndexPage(apart).length).toBe(apart.reduce((sum, one) => sum + indexEntryLength(one), 7));
  });

  it('is in one order only', () => {
    expect(compareIndexEntries(entry('a'), entry('a'))).toBe(0);
    expect(compareIndexEntries(entry('a', { version: 2 }), entry('a'))).toBeLessThan(0);
    expect(compareIndexEntries(entry('b', { version: 2 }), entry('a'))).toBeGreaterThan(0);
  });
});
