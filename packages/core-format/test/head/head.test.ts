import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import type { Head, Slot } from '../../src/index.ts';
import {
  decodeHead,
  encodeHead,
  joinHead,
  MAX_HEAD_BYTES,
  MAX_PAST_INSTANCES,
  MAX_SEALED_LOCATION_BYTES,
  MAX_TIME,
  noId,
  SLOT_BOX_LENGTH,
} from '../../src/index.ts';
import { bytesOf, heads } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

function slot(byte: number, type: 'passphrase' | 'rawKey' = 'rawKey'): Slot {
  const salt = Buffer.alloc(16, byte);
  return {
    id: Buffer.alloc(16, byte),
    created: 1,
    publicKey: Buffer.alloc(32, byte),
    method: type === 'rawKey' ? { type, salt } : { type, salt, memory: 65_536, passes: 3, parallelism: 1 },
    binding: Buffer.alloc(32, byte),
    sealedRoot: Buffer.alloc(SLOT_BOX_LENGTH, byte),
  };
}

const slots = (count: number, type?: 'passphrase'): Slot[] =>
  Array.from({ length: count }, (_, index) => slot(index + 1, type));

const head: Head = {
  lineage: Buffer.alloc(16, 1),
  instance: Buffer.alloc(16, 2),
  parent: { instance: noId(), generation: 0 },
  generation: 1,
  ancestors: [],
  time: 1_700_000_000_000,
  identity: Buffer.alloc(32, 3),
  rootNumber: 1,
  state: 'open',
  naming: 'encrypted',
  suites: [1],
  versionFloor: 0,
  history: { versions: 10, days: 30 },
  journal: 'off',
  rotationDays: 90,
  references: { keyring: { name: 'k/0-0', digest: Buffer.alloc(32, 4) } },
  slots: [slot(1)],
};

const signed = (value: Partial<Head>): Buffer => joinHead(encodeHead({ ...head, ...value }), Buffer.alloc(64, 9));

/** The head with the byte at `at` changed. */
function patched(at: number, value: number): Buffer {
  const bytes = signed({});
  bytes.writeUInt8(value, at);
  return bytes;
}

const refused = (bytes: Uint8Array, code = 'INTEGRITY'): void => {
  expect(() => decodeHead(bytes)).toThrow(expect.objectContaining({ code }));
};

const ANCESTORS = 4 + 1 + 48 + 8 + 8;
const STATE = ANCESTORS + 1 + 8 + 32 + 4;
const SUITES = STATE + 2;
const JOURNAL = SUITES + 2 + 8 + 8;
const ROTATION = JOURNAL + 1 + 4;
const REFERENCES = ROTATION + 1;

const auditOf = (mode: number, ...segments: number[]): Buffer => {
  const ends = segments.map((id) => Buffer.concat([Buffer.alloc(16, id), Buffer.alloc(8), Buffer.alloc(32)]));
  return Buffer.concat([Buffer.alloc(32, 4), Buffer.of(mode, segments.length), ...ends]);
};

const withAudit = (bytes: Buffer, critical = true): Buffer => signed({ extra: [{ tag: 1, critical, value: bytes }] });

describe('a head', () => {
  itObeysTheCodecLaws({
    values: fc.tuple(heads, bytesOf(64)).map(([value, signature]) => ({ head: value, signature })),
    encode: (value) => joinHead(encodeHead(value.head), value.signature),
    decode: (bytes) => {
      const parsed = decodeHead(bytes);
      return { head: parsed.head, signature: parsed.signature };
    },
  });

  it('separates what is signed from the signature', () => {
    const { signedBytes, signature } = decodeHead(signed({}));
    expect(signedBytes).toEqual(encodeHead(head));
    expect(signature).toEqual(Buffer.alloc(64, 9));
  });

  it('[G-04] refuses another format version', () => {
    refused(patched(4, 2), 'FORMAT_VERSION');
    refused(patched(0, 0));
  });

  it('[H-01] has at most 64 KiB, and is never written longer', () => {
    refused(Buffer.alloc(MAX_HEAD_BYTES + 1, signed({})));
    const large = { method: { type: 'unknown' }, raw: Buffer.alloc(65_000, 100) } as const;
    expect(() => signed({ slots: [large] })).not.toThrow();
    expect(() => signed({ slots: [large, slot(1)] })).not.toThrow();
    expect(() => signed({ slots: [large, slot(1), slot(2)] })).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  });

  it('[H-10] tells of as many heads before it as there were, at most 16', () => {
    const digest = Buffer.alloc(32, 3);
    const withAncestors = (generation: number, count: number): Buffer =>
      signed({ generation, ancestors: Array.from({ length: count }, () => digest) });
    for (const [generation, count] of [
      [1, 0],
      [2, 1],
      [17, 16],
      [40, 16],
    ] as const) {
      expect(decodeHead(withAncestors(generation, count)).head.ancestors).toHaveLength(count);
      refused(withAncestors(generation, count + 1));
      if (count > 0) refused(withAncestors(generation, count - 1));
    }
    refused(patched(ANCESTORS, 1));
  });

  it('[H-02] refuses journal modes that are none', () => {
    for (const mode of [0, 3]) refused(patched(JOURNAL, mode));
  });

  it('[H-02] refuses states and namings that are none', () => {
    for (const value of [0, 6, 255]) refused(patched(STATE, value));
    for (const value of [0, 3, 255]) refused(patched(STATE + 1, value));
  });

  it('[H-03] accepts one suite or more, in ascending order', () => {
    expect(decodeHead(signed({ suites: [1, 2, 200] })).head.suites).toEqual([1, 2, 200]);
    for (const suites of [[], [2, 1], [1, 1]]) refused(signed({ suites }));
  });

  it('[H-04] refuses references out of order, of an unknown kind, or by an impossible name', () => {
    refused(patched(REFERENCES + 1, 0));
    refused(patched(REFERENCES + 1, 7));
    refused(patched(REFERENCES + 3, 0x41));
    refused(signed({ references: { keyring: { name: '', digest: Buffer.alloc(32) } } }));
    const two = signed({
      references: {
        keyring: { name: 'k', digest: Buffer.alloc(32) },
        categoryMap: { name: 'p', digest: Buffer.alloc(32) },
      },
    });
    two.writeUInt8(1, REFERENCES + 1 + 35);
    refused(two);
  });

  it('[H-11] names the rotation that is under way, of a depth that there is', () => {
    expect(decodeHead(signed({})).head.rotation).toBeUndefined();
    for (const depth of ['unlock', 'keys', 'data'] as const) {
      const rotation = { depth, id: Buffer.alloc(16, 5) };
      expect(decodeHead(signed({ rotation })).head.rotation).toEqual(rotation);
    }
    const bytes = signed({ rotation: { depth: 'data', id: Buffer.alloc(16, 5) } });
    bytes.writeUInt8(4, ROTATION);
    refused(bytes);
  });

  it('[H-12] has a checkpoint or a former one', () => {
    const reference = { name: 'c/x', digest: Buffer.alloc(32, 1) };
    expect(decodeHead(signed({ references: { formerCheckpoint: reference } })).head.references).toEqual({
      formerCheckpoint: reference,
    });
    refused(signed({ references: { checkpoint: reference, formerCheckpoint: reference } }));
  });

  it('[H-05] has at most 64 slots and 8 passphrases, and is never written with more', () => {
    expect(decodeHead(signed({ slots: slots(64) })).head.slots).toHaveLength(64);
    expect(decodeHead(signed({ slots: slots(8, 'passphrase') })).head.slots).toHaveLength(8);
    for (const many of [slots(65), slots(9, 'passphrase')]) {
      expect(() => encodeHead({ ...head, slots: many })).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
    }
    const nine = signed({ slots: [...slots(8, 'passphrase'), slot(9)] });
    // The last slot becomes one of method 1: 6 bytes longer.
    const last = nine.length - 64 - 2 - (1 + 16 + 8 + 32 + 16 + 32 + SLOT_BOX_LENGTH);
    const sixMore = Buffer.concat([nine.subarray(0, last + 73), Buffer.alloc(6), nine.subarray(last + 73)]);
    sixMore.writeUInt8(1, last);
    sixMore.writeUInt16BE(sixMore.readUInt16BE(last - 2) + 6, last - 2);
    refused(sixMore);
  });

  it('[H-06] refuses two slots of one id', () => {
    refused(signed({ slots: [slot(1), slot(1)] }));
  });

  it('[G-08] refuses a time that no calendar has', () => {
    refused(signed({ time: MAX_TIME + 1 }));
    refused(signed({ slots: [{ ...slot(1), created: MAX_TIME + 1 }] }));
  });

  it('[G-06] refuses a critical field of a later release', () => {
    refused(signed({ extra: [{ tag: 200, critical: true, value: Buffer.alloc(1) }] }), 'FORMAT_VERSION');
  });

  it('[A-09] refuses an audit that may be ignored, of an unknown mode, or with segments out of order', () => {
    expect(decodeHead(withAudit(auditOf(2, 1, 2))).head.audit).toMatchObject({ mode: 'fail-closed' });
    refused(withAudit(auditOf(2, 1, 2), false));
    expect(decodeHead(withAudit(auditOf(3, 1, 2))).head.audit).toMatchObject({ mode: 'off', ends: [{}, {}] });
    for (const mode of [0, 4]) refused(withAudit(auditOf(mode)));
    for (const segments of [
      [2, 1],
      [1, 1],
    ])
      refused(withAudit(auditOf(1, ...segments)));
    refused(withAudit(Buffer.concat([auditOf(1), Buffer.alloc(1)])));
  });

  it('[H-14] tells of 1 to 256 past instances, each once and none its own, in a field that may be ignored', () => {
    const ids = Array.from({ length: MAX_PAST_INSTANCES + 1 }, (_, n) => {
      const id = Buffer.alloc(16, 200);
      id.writeUInt16BE(n);
      return id;
    });
    for (const instances of [ids.slice(1), ids.slice(0, 1)]) {
      expect(decodeHead(signed({ instances })).head.instances).toEqual(instances);
    }
    const withInstances = (value: Buffer, critical = false): Buffer => signed({ extra: [{ tag: 2, critical, value }] });
    expect(withInstances(Buffer.concat(ids.slice(1)))).toEqual(signed({ instances: ids.slice(1) }));
    refused(signed({ instances: ids }));
    refused(signed({ instances: [] }));
    refused(withInstances(Buffer.alloc(17)));
    refused(withInstances(Buffer.alloc(16), true));
    refused(signed({ instances: [Buffer.alloc(16, 7), Buffer.alloc(16, 8), Buffer.alloc(16, 7)] }));
    refused(signed({ instances: [head.instance] }));
  });

  it('[H-15] refers to the destinations of backups in a field that must not be ignored', () => {
    const destinations = { name: 'p/0-d', digest: Buffer.alloc(32, 6) };
    const { keyring } = head.references;
    const references = keyring === undefined ? { destinations } : { keyring, destinations };
    expect(decodeHead(signed({ references })).head.references).toEqual(references);
    const bytes = Buffer.concat([Buffer.of(5), Buffer.from('p/0-d'), Buffer.alloc(32, 6)]);
    const withField = (value: Buffer, critical = true): Buffer => signed({ extra: [{ tag: 3, critical, value }] });
    expect(withField(bytes)).toEqual(signed({ references }));
    refused(withField(bytes, false));
    refused(withField(bytes.subarray(0, -1)));
    refused(withField(Buffer.concat([bytes, Buffer.alloc(1)])));
    refused(signed({ references: { destinations: { ...destinations, name: 'P' } } }));
    refused(signed({ references: { destinations: { ...destinations, name: '' } } }));
  });

  it('[H-16] tells of a migration in a field that must not be ignored, at a known stage, to another instance', () => {
    const instance = Buffer.alloc(16, 201);
    const location = Buffer.from('sealed');
    for (const [code, stage] of [
      [1, 'copying'],
      [2, 'announced'],
    ] as const) {
      const resealed = stage === 'announced';
      const value = Buffer.concat([instance, Buffer.of(code, resealed ? 1 : 0), location]);
      const bytes = signed({ extra: [{ tag: 4, critical: true, value }] });
      expect(decodeHead(bytes).head.migration).toEqual({ instance, stage, resealed, location });
      expect(bytes).toEqual(signed({ migration: { instance, stage, resealed, location } }));
      refused(signed({ extra: [{ tag: 4, critical: false, value }] }));
    }
    for (const value of [
      Buffer.concat([instance, Buffer.of(0, 0), location]),
      Buffer.concat([instance, Buffer.of(3, 0), location]),
      Buffer.concat([instance, Buffer.of(1, 2), location]),
      Buffer.concat([instance, Buffer.of(1, 0)]),
      Buffer.concat([instance, Buffer.of(1, 0), Buffer.alloc(MAX_SEALED_LOCATION_BYTES + 1)]),
      Buffer.concat([head.instance, Buffer.of(1, 0), location]),
      Buffer.from('short'),
    ]) {
      refused(signed({ extra: [{ tag: 4, critical: true, value }] }));
    }
  });
});
