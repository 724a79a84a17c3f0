import { describe, expect, it } from 'vitest';
import type { Grant, KeyVersion, Member } from '../../src/index.ts';
import {
  decodeGrantBox,
  decodeGrants,
  decodeMembers,
  encodeGrantBox,
  encodeGrants,
  encodeMembers,
  MAX_GRANTS_BYTES,
  MAX_MEMBERS,
} from '../../src/index.ts';
import { grantBoxes, grantLists, memberLists } from '../support/arbitraries.ts';
import { itObeysTheCodecLaws } from '../support/codec-laws.ts';

const number32 = (number: number): Buffer => {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(number);
  return bytes;
};
const grant = (number: number, length = 100): Grant => ({
  publicKey: number32(number),
  sealed: Buffer.alloc(length, 1),
});
const many = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const directory = Buffer.alloc(10, 1);

function expectGrants(grants: Grant[], code: 'INTEGRITY' | undefined, more = directory): void {
  const parse = (): unknown => decodeGrants(encodeGrants({ grants, directory: more }));
  if (code === undefined) expect(parse).not.toThrow();
  else expect(parse).toThrow(expect.objectContaining({ code }));
}

describe('grants', () => {
  itObeysTheCodecLaws({ values: grantLists, encode: encodeGrants, decode: decodeGrants });

  it('[I-01] are of 1 to 1000 members, in ascending order of their public keys, each once', () => {
    expectGrants([grant(1), grant(2)], undefined);
    expectGrants([], 'INTEGRITY');
    expectGrants(
      many(MAX_MEMBERS).map((index) => grant(index)),
      undefined,
    );
    expectGrants(
      many(MAX_MEMBERS + 1).map((index) => grant(index)),
      'INTEGRITY',
    );
    expectGrants([grant(2), grant(1)], 'INTEGRITY');
    expectGrants([grant(1), grant(1)], 'INTEGRITY');
  });

  it('[I-01] have boxes with something in them', () => {
    expectGrants([grant(1, 49)], undefined);
    expectGrants([grant(1, 48)], 'INTEGRITY');
    expectGrants([grant(1, 0)], 'INTEGRITY');
  });

  it('[I-02] have at most 8387584 bytes', () => {
    const rest = encodeGrants({ grants: [grant(1)], directory: Buffer.alloc(0) }).length;
    expect(MAX_GRANTS_BYTES).toBe(8_387_584);
    expectGrants([grant(1)], undefined, Buffer.alloc(MAX_GRANTS_BYTES - rest));
    expectGrants([grant(1)], 'INTEGRITY', Buffer.alloc(MAX_GRANTS_BYTES - rest + 1));
  });

  it('[I-03] of another version are of another release', () => {
    const bytes = encodeGrants({ grants: [grant(1)], directory });
    bytes.writeUInt8(2, 4);
    expect(() => decodeGrants(bytes)).toThrow(expect.objectContaining({ code: 'FORMAT_VERSION' }));
    bytes.write('SSSY', 0, 'latin1');
    expect(() => decodeGrants(bytes)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
  });
});

/** Parses a box with one version. */
const version = (destroyAt: number, key: number, state: KeyVersion['state'] = 'primary'): void => {
  const one = { id: Buffer.alloc(8, 1), suite: 1, state, created: 1, destroyAt, key: Buffer.alloc(32, key) };
  const group = {
    id: Buffer.alloc(16, 1),
    kind: 'category' as const,
    digestKey: Buffer.alloc(32, 1),
    versions: [one],
  };
  const ids = { lineage: Buffer.alloc(16), instance: Buffer.alloc(16), generation: 1, publicKey: number32(1) };
  decodeGrantBox(encodeGrantBox({ ...ids, nameKey: Buffer.alloc(32, 1), groups: [group] }));
};

describe('the box of a grant', () => {
  itObeysTheCodecLaws({ values: grantBoxes, encode: encodeGrantBox, decode: decodeGrantBox });

  it('[I-05] has no key of a version that is destroyed or to be, and the keys of all others', () => {
    const refused = expect.objectContaining({ code: 'INTEGRITY' });
    expect(() => version(0, 1)).not.toThrow();
    expect(() => version(0, 0)).toThrow(refused);
    expect(() => version(5, 0)).not.toThrow();
    expect(() => version(5, 1)).toThrow(refused);
    expect(() => version(0, 0, 'destroyed')).not.toThrow();
    expect(() => version(0, 1, 'destroyed')).toThrow(refused);
  });
});

const member = (number: number, more: Partial<Member> = {}): Member => ({
  publicKey: number32(number),
  name: `m${number}`,
  added: 1,
  categories: [Buffer.alloc(16, 1)],
  groups: [],
  ...more,
});

function expectMembers(list: Member[], code: 'INTEGRITY' | undefined): void {
  const parse = (): unknown => decodeMembers(encodeMembers(list));
  if (code === undefined) expect(parse).not.toThrow();
  else expect(parse).toThrow(expect.objectContaining({ code }));
}

describe('the directory of members', () => {
  itObeysTheCodecLaws({ values: memberLists, encode: encodeMembers, decode: decodeMembers });

  it('[I-07] lists 1 to 1000 members in ascending order of their public keys, with names of 1 to 64 bytes, each once', () => {
    expectMembers([member(1), member(2)], undefined);
    expectMembers([], 'INTEGRITY');
    expectMembers(
      many(MAX_MEMBERS).map((index) => member(index)),
      undefined,
    );
    expectMembers(
      many(MAX_MEMBERS + 1).map((index) => member(index)),
      'INTEGRITY',
    );
    expectMembers([member(2), member(1)], 'INTEGRITY');
    expectMembers([member(1), member(1, { name: 'other' })], 'INTEGRITY');
    expectMembers([member(1), member(2, { name: 'm1' })], 'INTEGRITY');
    expectMembers([member(1, { name: 'x'.repeat(64) })], undefined);
    expectMembers([member(1, { name: 'x'.repeat(65) })], 'INTEGRITY');
    expectMembers([member(1, { name: '' })], 'INTEGRITY');
  });

  it('[I-08] says of each member at least one category or group, in ascending order, each once', () => {
    const [one, two] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
    expectMembers([member(1, { categories: [one, two], groups: ['audit', 'backup'] })], undefined);
    expectMembers([member(1, { categories: [], groups: ['backup'] })], undefined);
    expectMembers([member(1, { categories: [] })], 'INTEGRITY');
    expectMembers([member(1, { categories: [two, one] })], 'INTEGRITY');
    expectMembers([member(1, { categories: [one, one] })], 'INTEGRITY');
    expectMembers([member(1, { groups: ['backup', 'audit'] })], 'INTEGRITY');
    expectMembers([member(1, { groups: ['audit', 'audit'] })], 'INTEGRITY');
  });

  it('[I-08] grants no keys of a category or of the journal as a group', () => {
    const bytes = encodeMembers([member(1, { groups: ['audit'] })]);
    for (const code of [0, 1, 2, 5, 255]) {
      bytes.writeUInt8(code, bytes.length - 1);
      expect(() => decodeMembers(bytes)).toThrow(expect.objectContaining({ code: 'INTEGRITY' }));
    }
  });
});
