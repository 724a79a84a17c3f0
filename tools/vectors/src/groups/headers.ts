import type { Base } from '../make/base.ts';
import { keysOf } from '../make/base.ts';
import { flip, set, u16 } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, retrieve } from '../make/cases.ts';
import { field, TOO_LARGE, withFields, ZEROS } from './fields.ts';
import { parseStoreKey } from '../../../../packages/core-format/src/index.ts';
import { namesOf } from '../make/make.ts';

const KEY = 'db/pw';
const H = `H of ${KEY}`;
const test = caseOf(retrieve(KEY));

export function headers(base: Base): Case[] {
  const { categories } = keysOf(base);
  const { nameId } = namesOf(base).locate(parseStoreKey('db/other'));
  return [
    test('kind: system', "The record is one of the store's own objects.", H, set(6, 3), 'INTEGRITY', { rule: 'R-17' }),
    test('kind: unknown', 'The kind is 4.', H, set(6, 4), 'INTEGRITY', { rule: 'R-02' }),
    test('kind: zero', 'The kind is 0.', H, set(6, 0), 'INTEGRITY', { rule: 'R-02' }),
    test('kind: tombstone', 'The kind is that of a tombstone, whose size is another.', H, set(6, 2), 'INTEGRITY', {
      rule: 'R-05',
    }),
    test('reserved byte', 'The reserved byte of H is 1.', H, set(7, 1), 'INTEGRITY', { rule: 'G-07' }),
    test('another lineage', 'H names another lineage.', H, flip(10), 'INTEGRITY', { rule: 'R-14' }),
    test('another name id', 'H has the name id of db/other.', H, set(26, nameId), 'INTEGRITY', { rule: 'R-15' }),
    test('another category', 'H names the category of secrets/**.', H, set(42, categories.secrets), 'INTEGRITY', {
      rule: 'R-16',
    }),
    test('no commit id', 'The commit id is zeros.', H, set(66, ZEROS(16)), 'INTEGRITY', { rule: 'R-03' }),
    test('version over the limit', 'The version is 2^53.', H, set(58, TOO_LARGE), 'INTEGRITY', {
      rule: 'G-09',
    }),
    test('suite not accepted', 'H states suite 9, which the head does not accept.', H, set(5, 9), 'INTEGRITY', {
      rule: 'R-17',
    }),
    test(
      'a commit before a first version',
      'H names a commit before it, and its body says that its history begins with it.',
      H,
      set(82, 1),
      'INTEGRITY',
      { rule: 'R-24' },
    ),
    test(
      'H too short',
      'H has 105 bytes and says so.',
      H,
      (bytes) => set(8, u16(105))(bytes.subarray(0, 105), new Map()),
      'INTEGRITY',
      { rule: 'R-01' },
    ),
    test(
      'an unknown field',
      'An unknown field that is not critical is ignored.',
      H,
      withFields(field(200, 0, Buffer.from('x'))),
      'ok',
      { rule: 'G-06' },
    ),
    test(
      'an empty unknown field',
      'An unknown field without a value is ignored.',
      H,
      withFields(field(200, 0, ZEROS(0))),
      'ok',
      { rule: 'G-06' },
    ),
    test(
      'an unknown critical field',
      'An unknown critical field.',
      H,
      withFields(field(200, 1, Buffer.from('x'))),
      'FORMAT_VERSION',
      { rule: 'G-06' },
    ),
    test('field: tag 0', 'An optional field has the tag 0.', H, withFields(field(0, 0, ZEROS(1))), 'INTEGRITY', {
      rule: 'G-05',
    }),
    test(
      'field: critical 2',
      'The critical byte of an optional field is 2.',
      H,
      withFields(field(200, 2, ZEROS(1))),
      'INTEGRITY',
      { rule: 'G-05' },
    ),
    test(
      'fields: twice',
      'An optional field is there twice.',
      H,
      withFields(Buffer.concat([field(200, 0, ZEROS(1)), field(200, 0, ZEROS(1))])),
      'INTEGRITY',
      { rule: 'G-05' },
    ),
    test(
      'fields: order',
      'Two optional fields are in descending order.',
      H,
      withFields(Buffer.concat([field(201, 0, ZEROS(1)), field(200, 0, ZEROS(1))])),
      'INTEGRITY',
      { rule: 'G-05' },
    ),
    test(
      'field: too long',
      'An optional field is longer than H.',
      H,
      withFields(Buffer.from([200, 0, 0, 9, 1])),
      'INTEGRITY',
      { rule: 'G-03' },
    ),
    test(
      'field: cut',
      'H ends within the length of an optional field.',
      H,
      withFields(Buffer.from([200, 0, 0])),
      'INTEGRITY',
      { rule: 'R-01' },
    ),
    test(
      'blob reference: not critical',
      'The blob reference is not critical.',
      H,
      withFields(field(1, 0, ZEROS(28))),
      'INTEGRITY',
      { rule: 'R-04' },
    ),
    test(
      'blob reference: too short',
      'The blob reference has 27 bytes.',
      H,
      withFields(field(1, 1, ZEROS(27))),
      'INTEGRITY',
      { rule: 'R-04' },
    ),
    test(
      'blob reference: of an inline payload',
      'H refers to a blob, and the payload is inline.',
      H,
      withFields(field(1, 1, ZEROS(28))),
      'INTEGRITY',
      { rule: 'B-05' },
    ),
  ];
}

export function recordKeys(base: Base): Case[] {
  const { versions } = keysOf(base);
  const key = `key version of ${KEY}`;
  return [
    test(
      'key of another category',
      'The record is sealed under the key of secrets/**.',
      key,
      () => versions.secrets,
      'INTEGRITY',
      { rule: 'R-07' },
    ),
    test(
      'key of the journal',
      'The record is sealed under the key of the journal.',
      key,
      () => versions.journal,
      'INTEGRITY',
      { rule: 'R-07' },
    ),
    test('unknown key id', 'E names a key version that the keyring has not.', key, set(0, ZEROS(8)), 'INTEGRITY', {
      rule: 'R-07',
    }),
    test(
      'key of the version before',
      'E names the former key version, and the DEK is wrapped under the primary one.',
      key,
      set(0, versions.former.subarray(0, 8)),
      'INTEGRITY',
      { rule: 'R-08' },
    ),
    test('another key', 'The DEK is wrapped under another key than the one that E names.', key, flip(8), 'INTEGRITY', {
      rule: 'R-08',
    }),
    test(
      'another commitment',
      'The commitment is not that of the DEK, though the DEK is wrapped with it.',
      `commitment of ${KEY}`,
      flip(0),
      'INTEGRITY',
      { rule: 'R-09' },
    ),
  ];
}

/** Sealing under a key version of another suite than the record states needs a store that has both. */
export function mixedSuites(): Case[] {
  return [
    test(
      'suite of another key version',
      'H states suite 1, and its key version is of suite 2.',
      H,
      set(5, 1),
      'INTEGRITY',
      { rule: 'R-06' },
    ),
    caseOf(retrieve('former'))(
      'suite of another key version, the other way',
      'H states suite 2, and its key version is of suite 1.',
      'H of former',
      set(5, 2),
      'INTEGRITY',
      { rule: 'R-06' },
    ),
  ];
}
