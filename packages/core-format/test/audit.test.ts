import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuditEntry, AuditHeader } from '../src/index.ts';
import {
  AUDIT_TEXT_LIMITS,
  auditName,
  auditPrefix,
  cutText,
  decodeAuditBatch,
  decodeAuditEntry,
  decodeAuditHeader,
  encodeAuditBatch,
  encodeAuditCertificate,
  encodeAuditEntry,
  encodeAuditHeader,
  joinAuditHeader,
  MAX_AUDIT_LINKS,
  parseAuditName,
} from '../src/index.ts';
import { auditBatches, auditEntries, auditHeaders, bytesOf } from './support/arbitraries.ts';
import { itObeysTheCodecLaws } from './support/codec-laws.ts';
import { ANY_CHARACTER } from '../../../tools/campaigns/src/any-character.ts';

const ENTRY: AuditEntry = {
  sequence: 7,
  time: 1_700_000_000_000,
  principal: 'alice',
  action: 'read',
  category: 'default',
  outcome: 'allowed',
  reason: '',
  requestId: '',
  duration: 250,
};
const HEADER: AuditHeader = {
  segment: Buffer.alloc(16, 1),
  instance: Buffer.alloc(16, 2),
  started: 3,
  auditor: Buffer.alloc(32, 4),
  sealedKey: Buffer.alloc(80, 5),
  previous: [],
  certificate: { created: 6, publicKey: Buffer.alloc(32, 7), signature: Buffer.alloc(64, 8) },
};

const refused = (code: string): unknown => expect.objectContaining({ code });
const joined = (header: AuditHeader): Buffer => joinAuditHeader(encodeAuditHeader(header), Buffer.alloc(64, 9));
const links = (...ids: number[]): AuditHeader['previous'] =>
  ids.map((id) => ({ segment: Buffer.alloc(16, id), count: 1, mac: Buffer.alloc(32) }));

const named = (...ids: number[]): Buffer => joined({ ...HEADER, previous: links(...ids) });

describe('an audit entry', () => {
  itObeysTheCodecLaws({ values: auditEntries, encode: encodeAuditEntry, decode: decodeAuditEntry });

  it('[A-01] has a sequence number from 1, an action, a known outcome and a known kind of object', () => {
    const bytes = encodeAuditEntry({ ...ENTRY, object: { name: 'a' } });
    const kindAt = bytes.indexOf('alice') + 5;
    const changes: [at: number, byte: number][] = [
      [8, 0],
      [25, 0],
      [25, 4],
      [kindAt, 3],
      [kindAt, 0],
    ];
    for (const [at, byte] of changes) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(byte, at);
      expect(() => decodeAuditEntry(changed), `${byte} at ${at}`).toThrow(refused('INTEGRITY'));
    }
    for (const change of [{ sequence: 0 }, { action: '' }, { object: { name: '' } }, { time: 8.65e15 }]) {
      expect(() => encodeAuditEntry({ ...ENTRY, ...change })).toThrow(RangeError);
    }
  });

  it('[A-02] has texts of bounded length', () => {
    for (const [field, limit] of Object.entries(AUDIT_TEXT_LIMITS)) {
      const entry = (length: number): AuditEntry =>
        field === 'object'
          ? { ...ENTRY, object: { name: 'x'.repeat(length) } }
          : { ...ENTRY, [field]: 'x'.repeat(length) };
      const bytes = encodeAuditEntry(entry(limit));
      expect(decodeAuditEntry(bytes)).toEqual(entry(limit));
      expect(() => encodeAuditEntry(entry(limit + 1)), field).toThrow(RangeError);
      // The same with a length that the writer would not write.
      const at = bytes.indexOf('x'.repeat(limit));
      const longer = Buffer.concat([bytes.subarray(0, at), Buffer.from('x'), bytes.subarray(at)]);
      longer.writeUInt16BE(limit + 1, at - 2);
      expect(() => decodeAuditEntry(longer), field).toThrow(refused('INTEGRITY'));
    }
  });

  it('[A-03] of another version is FORMAT_VERSION, and so is a header', () => {
    const bytes = encodeAuditEntry(ENTRY);
    bytes.writeUInt8(2, 0);
    expect(() => decodeAuditEntry(bytes)).toThrow(refused('FORMAT_VERSION'));
    const header = joined(HEADER);
    header.writeUInt8(2, 4);
    expect(() => decodeAuditHeader(header)).toThrow(refused('FORMAT_VERSION'));
  });

  it('never holds half a character', () => {
    expect(() => encodeAuditEntry({ ...ENTRY, principal: '\ud800' })).toThrow(RangeError);
  });
});

describe('a text that is too long', () => {
  it('is cut within its limit, between characters, and says how long it was', () => {
    expect(cutText('a'.repeat(64), 64)).toBe('a'.repeat(64));
    expect(cutText('a'.repeat(65), 64)).toBe(`${'a'.repeat(51)}…[65 bytes]`);
    fc.assert(
      fc.property(
        fc.string({ unit: ANY_CHARACTER, maxLength: 300 }).map((text) => text.toWellFormed()),
        fc.integer({ min: 64, max: 128 }),
        (text, limit) => {
          const cut = cutText(text, limit);
          const length = Buffer.byteLength(text);
          expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(limit);
          if (length <= limit) {
            expect(cut).toBe(text);
            return;
          }
          const mark = `…[${length} bytes]`;
          expect(cut.endsWith(mark)).toBe(true);
          const kept = cut.slice(0, -mark.length);
          expect(text.startsWith(kept)).toBe(true);
          expect(Buffer.byteLength(cut)).toBeGreaterThan(limit - 4);
        },
      ),
    );
  });
});

describe('the header of an audit segment', () => {
  itObeysTheCodecLaws({
    values: fc.record({ header: auditHeaders, signature: bytesOf(64) }),
    encode: ({ header, signature }) => joinAuditHeader(encodeAuditHeader(header), signature),
    decode: (bytes) => {
      const { header, signature } = decodeAuditHeader(bytes);
      return { header, signature };
    },
  });

  it('[A-04] names at most 64 other segments, in the order of their ids, each once', () => {
    expect(decodeAuditHeader(named(1, 2)).header.previous).toHaveLength(2);
    const all = Array.from({ length: MAX_AUDIT_LINKS + 1 }, (_, index) => index);
    expect(decodeAuditHeader(named(...all.slice(1))).header.previous).toHaveLength(MAX_AUDIT_LINKS);
    for (const ids of [[2, 1], [1, 1], all]) {
      expect(() => decodeAuditHeader(named(...ids))).toThrow(refused('INTEGRITY'));
    }
  });

  it('binds the certified key to the instance of the store', () => {
    const { certificate } = HEADER;
    expect(encodeAuditCertificate(HEADER.instance, certificate)).not.toEqual(
      encodeAuditCertificate(HEADER.segment, certificate),
    );
  });
});

describe('a part of a log in a store', () => {
  itObeysTheCodecLaws({ values: auditBatches, encode: encodeAuditBatch, decode: decodeAuditBatch });

  it('[A-10] of another version is refused', () => {
    const bytes = encodeAuditBatch({ entries: [] });
    bytes[0] = 2;
    expect(() => decodeAuditBatch(bytes)).toThrow(refused('FORMAT_VERSION'));
  });

  it('lies where the newest segment is listed first, and each in its order', () => {
    const [older, newer] = [auditPrefix(1000, Buffer.alloc(16, 1)), auditPrefix(2000, Buffer.alloc(16))];
    const names = [
      auditName(older, 0),
      auditName(older, 40),
      auditName(newer, 0),
      auditName(newer, 9),
      auditName(newer, 10),
    ];
    expect(names.toSorted()).toEqual([names[2], names[3], names[4], names[0], names[1]]);
    expect(parseAuditName(auditName(newer, 10))).toEqual({ prefix: newer, segment: Buffer.alloc(16), sequence: 10 });
    for (const strange of [
      'a/',
      newer,
      `${auditName(newer, 1)}/`,
      auditName(newer, 1).toUpperCase(),
      `b${newer.slice(1)}`,
    ])
      expect(parseAuditName(strange)).toBeUndefined();
  });
});
