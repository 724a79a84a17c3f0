import { objectName, parseStoreKey } from '../../../../packages/core-format/src/index.ts';
import type { Base } from '../make/base.ts';
import { append, drop, flip, gone, set } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { atObject, caseOf, retrieve } from '../make/cases.ts';
import { namesOf } from '../make/make.ts';
import { bodies, tombstones } from './bodies.ts';
import { ZEROS } from './fields.ts';
import { headers, mixedSuites, recordKeys } from './headers.ts';

const KEY = 'db/pw';
const test = caseOf(retrieve(KEY));

/** The fields of a record and where they begin. */
const FIELDS: readonly (readonly [name: string, at: number])[] = [
  ['magic', 0],
  ['suite', 5],
  ['kind', 6],
  ['reserved byte', 7],
  ['length of H', 9],
  ['lineage', 10],
  ['name id', 26],
  ['category id', 42],
  ['version', 65],
  ['commit id', 66],
  ['commit id of the previous version', 82],
  ['head generation', 105],
  ['key id', 106],
  ['commitment', 114],
  ['wrapped DEK', 146],
  ['tag of the wrapped DEK', 193],
  ['sealed body', 194],
  ['tag of the body', -1],
];

const LENGTHS: readonly (readonly [name: string, length: number])[] = [
  ['nothing', 0],
  ['the magic', 4],
  ['the length of H', 10],
  ['the last byte of H but one', 105],
  ['H', 106],
  ['the key id', 114],
  ['the commitment', 146],
  ['E', 194],
  ['fewer bytes of B than a tag has', 209],
];

function tampered(base: Base): Case[] {
  const at = atObject(base, KEY);
  const other = objectName(namesOf(base).locate(parseStoreKey('db/other')).token);
  return [
    ...FIELDS.map(([name, offset]) =>
      test(
        `flipped: ${name}`,
        `A bit of the record's ${name} is flipped at the backend.`,
        at,
        flip(offset),
        'INTEGRITY',
        {
          rule: 'R-10',
        },
      ),
    ),
    test('flipped: format version', 'The format version says 2.', at, set(4, 2), 'FORMAT_VERSION', { rule: 'G-04' }),
    ...LENGTHS.map(([name, length]) =>
      test(`cut: ${name}`, `The record ends after ${name}.`, at, (bytes) => bytes.subarray(0, length), 'INTEGRITY', {
        rule: 'G-03',
      }),
    ),
    test('cut: last byte', 'The last byte is missing.', at, drop(-1, 1), 'INTEGRITY', { rule: 'R-10' }),
    test('longer: a zero byte', 'A byte follows the record.', at, append(ZEROS(1)), 'INTEGRITY', { rule: 'R-10' }),
    test('zeros', 'The record is as long, and all zeros.', at, (bytes) => ZEROS(bytes.length), 'INTEGRITY'),
    test('missing', 'The record is not there.', at, gone, 'NOT_FOUND'),
    test(
      'of another name',
      'The record of db/other lies at the name of db/pw.',
      at,
      (_, all) => all.get(other),
      'INTEGRITY',
      {
        rule: 'R-15',
      },
    ),
  ];
}

export function records(base: Base): Case[] {
  if (base.name === 'mixed') return mixedSuites();
  if (base.name === 'plain') return [];
  return [...tampered(base), ...headers(base), ...recordKeys(base), ...bodies(), ...tombstones()];
}
