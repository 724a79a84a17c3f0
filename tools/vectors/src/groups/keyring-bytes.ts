import { keyringName } from '../../../../packages/core-format/src/index.ts';
import type { Base } from '../make/base.ts';
import { GENERATION } from '../make/base.ts';
import { append, bytesFrom, flip, gone, set } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN } from '../make/cases.ts';

const test = caseOf(OPEN);
const [HEADER, SEALED] = ['header of keyring', 'sealed keyring'];

const FIELDS = [
  ['magic', 0],
  ['suite', 5],
  ['purpose', 6],
  ['reserved byte', 7],
  ['salt', 8],
  ['key id', 40],
  ['commitment', 48],
  ['sealed bytes', 80],
  ['tag', -1],
] as const;

/** Of what seals it, in a head that pins it nevertheless: so it can't be told by its digest. */
export function sealedKeyring(base: Base): Case[] {
  const name = keyringName(GENERATION, bytesFrom(`${base.name} name of the keyring`, 16));
  return [
    ...FIELDS.map(([field, at]) =>
      test(
        `sealed: ${field}`,
        `A bit of the keyring's ${field} is flipped, and the head pins it so.`,
        SEALED,
        flip(at),
        'INTEGRITY',
        { rule: 'Y-03' },
      ),
    ),
    test(
      'sealed: format version',
      'The format version of the keyring is 2, and the head pins it so.',
      SEALED,
      set(4, 2),
      'FORMAT_VERSION',
      { rule: 'Y-06' },
    ),
    test(
      'sealed: cut',
      'The sealed keyring is shorter than a tag, and the head pins it so.',
      SEALED,
      (bytes) => bytes.subarray(0, 95),
      'INTEGRITY',
      { rule: 'G-03' },
    ),
    test('header: purpose', 'The keyring is sealed as a category map.', HEADER, set(6, 2), 'INTEGRITY', {
      rule: 'Y-01',
    }),
    test('header: reserved byte', 'The keyring is sealed with a reserved byte of 1.', HEADER, set(7, 1), 'INTEGRITY', {
      rule: 'G-07',
    }),
    test('header: key id', 'The keyring is sealed with a key id.', HEADER, set(40, 1), 'INTEGRITY', { rule: 'Y-05' }),
    test(
      'context: instance',
      'The keyring is sealed for another instance.',
      'context of keyring',
      flip(0),
      'INTEGRITY',
      { rule: 'Y-03' },
    ),
    test(
      'context: generation',
      'The keyring is sealed for another generation.',
      'context of keyring',
      flip(23),
      'INTEGRITY',
      { rule: 'Y-03' },
    ),
    test('context: name', 'The keyring is sealed for another place.', 'context of keyring', flip(-1), 'INTEGRITY', {
      rule: 'Y-03',
    }),
    test(
      'at the backend: flipped',
      'The last byte of the keyring is flipped at the backend.',
      `at ${name}`,
      flip(-1),
      'INTEGRITY',
      { rule: 'Y-04' },
    ),
    test('at the backend: missing', 'The keyring is missing.', `at ${name}`, gone, 'INTEGRITY', { rule: 'Y-04' }),
    test(
      'at the backend: longer',
      'A byte follows the keyring at the backend.',
      `at ${name}`,
      append(Buffer.alloc(1)),
      'INTEGRITY',
      { rule: 'Y-04' },
    ),
  ];
}
