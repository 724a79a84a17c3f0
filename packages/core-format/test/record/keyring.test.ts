import { describe, expect, it } from 'vitest';
import type { KeyGroup, KeyVersion } from '../../src/index.ts';
import { decodeKeyring, encodeKeyring, MAX_TIME } from '../../src/index.ts';
import { keyrings } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

const version = (byte: number, state: KeyVersion['state'] = 'primary'): KeyVersion => ({
  id: Buffer.alloc(8, byte),
  suite: 1,
  state,
  created: 1,
  destroyAt: 0,
  key: Buffer.alloc(32, state === 'destroyed' ? 0 : byte),
});

const group = (byte: number, ...versions: KeyVersion[]): KeyGroup => ({
  id: Buffer.alloc(16, byte),
  kind: 'category',
  digestKey: Buffer.alloc(32, 1),
  versions,
});

const ring = (...groups: KeyGroup[]): Buffer =>
  encodeKeyring({ rootNumber: 1, identitySeed: Buffer.alloc(32, 1), nameKey: Buffer.alloc(32, 2), groups });

const accepted = (...groups: KeyGroup[]): void => {
  expect(decodeKeyring(ring(...groups)).groups).toHaveLength(groups.length);
};
const refused = (...groups: KeyGroup[]): void => {
  expect(() => decodeKeyring(ring(...groups))).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
};

describe('a keyring', () => {
  itObeysTheCodecLaws({ values: keyrings, encode: encodeKeyring, decode: decodeKeyring });

  it('[K-01] has its groups in ascending order, each once', () => {
    accepted(group(1, version(1)), group(2, version(2)));
    refused(group(2, version(1)), group(1, version(2)));
    refused(group(1, version(1)), group(1, version(2)));
  });

  it('[K-02] refuses states and kinds that are none', () => {
    const bytes = ring(group(1, version(1)));
    const kind = 4 + 32 + 32 + 2 + 16;
    const state = kind + 1 + 32 + 2 + 9;
    for (const at of [kind, state]) {
      for (const value of [0, 5, 255]) {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(value, at);
        expect(() => decodeKeyring(changed)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
      }
    }
  });

  it('[K-02] has a key of zeros for destroyed versions and for no other', () => {
    accepted(group(1, version(1, 'destroyed'), version(2)));
    refused(group(1, { ...version(1, 'destroyed'), key: Buffer.alloc(32, 1) }, version(2)));
    refused(group(1, { ...version(1), key: Buffer.alloc(32) }));
  });

  it('[K-03] has one primary version in each group that is not destroyed', () => {
    accepted(group(1, version(1, 'disabled'), version(2, 'enabled'), version(3)));
    accepted(group(1, version(1, 'destroyed'), version(2, 'destroyed')));
    refused(group(1, version(1), version(2)));
    refused(group(1, version(1, 'enabled')));
    refused(group(1, version(1, 'disabled'), version(2, 'destroyed')));
    refused(group(1));
  });

  it('[K-06] has no time of destruction for what is destroyed', () => {
    accepted(group(1, { ...version(1), destroyAt: 7 }));
    refused(group(1, { ...version(1, 'destroyed'), destroyAt: 7 }, version(2)));
    refused(group(1, { ...version(1), destroyAt: MAX_TIME + 1 }));
  });

  it('[K-04] has each version id once, over all groups', () => {
    refused(group(1, version(1, 'enabled'), version(1)));
    refused(group(1, version(1)), group(2, version(1)));
  });

  it('[G-08] refuses a time that no calendar has', () => {
    refused(group(1, { ...version(1), created: MAX_TIME + 1 }));
  });

  it('[G-06] refuses a critical field of a later release', () => {
    const bytes = encodeKeyring({
      rootNumber: 1,
      identitySeed: Buffer.alloc(32, 1),
      nameKey: Buffer.alloc(32, 2),
      groups: [],
      extra: [{ tag: 1, critical: true, value: Buffer.alloc(1) }],
    });
    expect(() => decodeKeyring(bytes)).toThrow(expect.objectContaining({ code: 'FORMAT_VERSION' }));
  });

  it('does not allocate what a hostile count promises', () => {
    const bytes = ring();
    bytes.writeUInt16BE(0xffff, 68);
    expect(() => decodeKeyring(bytes)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
  });
});
