import type { Change } from '../make/bytes.ts';
import { append, drop, flip, gone } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, OPEN } from '../make/cases.ts';

const test = caseOf(OPEN);
const AT = 'at store';

/** Where the fields of the head of a base begin, whose suites are one. */
export const AT_FIELD = {
  magic: 0,
  'format version': 4,
  lineage: 5,
  instance: 21,
  'instance of the parent': 37,
  'generation of the parent': 60,
  generation: 68,
  'number of ancestors': 69,
  'digest of an ancestor': 70,
  time: 141,
  identity: 142,
  'root number': 177,
  state: 178,
  naming: 179,
  'number of suites': 180,
  suite: 181,
  'version floor': 189,
  'history kept': 193,
  journal: 198,
  'age of keys': 202,
  rotation: 203,
  'number of references': 204,
  'kind of a reference': 205,
  'name of a reference': 208,
  'digest of a reference': 247,
  'number of slots': 427,
  'length of a slot': 429,
  'binding tag of a slot': 510,
  'sealed root of a slot': 545,
} as const;

/** The order of the group of Ed25519, little-endian. */
const ORDER = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex');

const reversed = (bytes: Buffer): Buffer => Buffer.from(bytes.toReversed());

/** The same signature with a scalar over the order of the group. */
const overTheOrder: Change = (signature) => {
  const scalar = BigInt(`0x${reversed(signature.subarray(32)).toString('hex')}`);
  const order = BigInt(`0x${reversed(ORDER).toString('hex')}`);
  const sum = Buffer.from((scalar + order).toString(16).padStart(64, '0'), 'hex');
  return Buffer.concat([signature.subarray(0, 32), reversed(sum)]);
};

export function tamperedHead(): Case[] {
  return [
    ...Object.entries(AT_FIELD).map(([name, at]) =>
      test(
        `flipped: ${name}`,
        `A bit of the head's ${name} is flipped at the backend.`,
        AT,
        flip(at),
        name === 'format version' ? 'FORMAT_VERSION' : 'INTEGRITY',
        { rule: 'H-07' },
      ),
    ),
    test('flipped: signature R', 'A bit of the first half of the signature is flipped.', AT, flip(-64), 'INTEGRITY', {
      rule: 'H-07',
    }),
    test('flipped: signature S', 'A bit of the second half of the signature is flipped.', AT, flip(-32), 'INTEGRITY', {
      rule: 'H-07',
    }),
    test(
      'signature over the order',
      'The scalar of the signature is that of a right one plus the order of the group.',
      'signature of the head',
      overTheOrder,
      'INTEGRITY',
      { rule: 'H-07' },
    ),
    test(
      'signature of zeros',
      'The signature is zeros.',
      'signature of the head',
      () => Buffer.alloc(64),
      'INTEGRITY',
      { rule: 'H-07' },
    ),
    test('missing', 'The head is missing, and objects are there.', AT, gone, 'INTEGRITY', { rule: 'H-09' }),
    test('empty', 'The head is empty.', AT, () => Buffer.alloc(0), 'INTEGRITY', { rule: 'G-03' }),
    test('cut: magic', 'The head ends after its magic.', AT, (bytes) => bytes.subarray(0, 4), 'INTEGRITY', {
      rule: 'G-04',
    }),
    test('cut: signature', 'The head ends before its signature.', AT, (bytes) => bytes.subarray(0, -64), 'INTEGRITY', {
      rule: 'G-03',
    }),
    test('cut: last byte', 'The last byte of the head is missing.', AT, drop(-1, 1), 'INTEGRITY', { rule: 'G-03' }),
    test('longer', 'A byte follows the head.', AT, append(Buffer.alloc(1)), 'INTEGRITY', { rule: 'G-03' }),
  ];
}
