import { append, drop, flip, set, u16 } from '../make/bytes.ts';
import type { Change } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, retrieve } from '../make/cases.ts';
import { field, LATE, TOO_LARGE, withFields, ZEROS } from './fields.ts';

const KEY = 'db/pw';
const BODY = `body of ${KEY}`;
const test = caseOf(retrieve(KEY));

const metadata =
  (text: Uint8Array): Change =>
  (bytes) =>
    Buffer.concat([bytes.subarray(0, 79), ZEROS(2), u16(text.length), text, bytes.subarray(98)]);

const area =
  (fields: Uint8Array): Change =>
  (bytes) =>
    Buffer.concat([bytes.subarray(0, 98), u16(fields.length), fields, bytes.subarray(100)]);

const json = (text: string): Change => metadata(Buffer.from(text));

/** The body of db/pw: name at 2, times at 7, 15 and 23, origin at 31, length at 39, digest at 47, metadata at 83, fields at 98. */
export function bodies(): Case[] {
  return [
    test('body: another name', 'The body holds the name db/px.', BODY, set(6, Buffer.from('x')), 'INTEGRITY', {
      rule: 'R-18',
    }),
    test(
      'body: no name',
      'The name in the body is empty.',
      BODY,
      (bytes) => Buffer.concat([ZEROS(2), bytes.subarray(7)]),
      'INTEGRITY',
      { rule: 'B-01' },
    ),
    test(
      'body: a long name',
      'The name in the body has 1025 bytes.',
      BODY,
      (bytes) => Buffer.concat([u16(1025), Buffer.alloc(1025, 'a'), bytes.subarray(7)]),
      'INTEGRITY',
      { rule: 'B-01' },
    ),
    test('body: name not UTF-8', 'The name in the body is not UTF-8.', BODY, set(6, 0xff), 'INTEGRITY', {
      rule: 'G-02',
    }),
    ...(
      [
        ['created', 7],
        ['modified', 15],
        ['expires', 23],
      ] as const
    ).map(([name, at]) =>
      test(
        `body: ${name} out of range`,
        `The time "${name}" is a millisecond too late.`,
        BODY,
        set(at, LATE),
        'INTEGRITY',
        { rule: 'G-08' },
      ),
    ),
    test(
      'body: origin below the version',
      'A first version says that its history began before it.',
      BODY,
      flip(38),
      'INTEGRITY',
      { rule: 'R-24' },
    ),
    test('body: length', 'The length of the payload is one less than there is.', BODY, set(46, 4), 'INTEGRITY', {
      rule: 'B-03',
    }),
    test('body: length over the limit', 'The length of the payload is 2^53.', BODY, set(39, TOO_LARGE), 'INTEGRITY', {
      rule: 'G-09',
    }),
    test(
      'body: another digest',
      'The digest is not that of the payload, which a reader need not check.',
      BODY,
      flip(47),
      'ok',
      { rule: 'D-01' },
    ),
    test(
      'body: too much metadata',
      'The metadata is said to have 65,537 bytes.',
      BODY,
      set(79, Buffer.from([0, 1, 0, 1])),
      'INTEGRITY',
      { rule: 'B-02' },
    ),
    test(
      'body: metadata past the end',
      'The metadata is said to be longer than the body.',
      BODY,
      set(79, Buffer.from([0, 0, 0xff, 0])),
      'INTEGRITY',
      { rule: 'G-03' },
    ),
    test('body: metadata is a list', 'The metadata is a JSON array.', BODY, json('[]'), 'INTEGRITY', { rule: 'B-07' }),
    test('body: metadata is null', 'The metadata is null.', BODY, json('null'), 'INTEGRITY', { rule: 'B-07' }),
    test('body: metadata is cut', 'The metadata ends within an object.', BODY, json('{"a":'), 'INTEGRITY', {
      rule: 'B-07',
    }),
    test(
      'body: metadata not UTF-8',
      'The metadata is not UTF-8.',
      BODY,
      metadata(Buffer.from('{"a":"\u00e9"}', 'latin1')),
      'INTEGRITY',
      { rule: 'B-07' },
    ),
    test('body: no metadata', 'There is no metadata.', BODY, json(''), 'ok', { rule: 'B-07' }),
    test(
      'body: an unknown field',
      'An unknown field that is not critical is ignored.',
      BODY,
      area(field(9, 0, Buffer.from('x'))),
      'ok',
      { rule: 'G-06' },
    ),
    test(
      'body: an unknown critical field',
      'An unknown critical field.',
      BODY,
      area(field(9, 1, Buffer.from('x'))),
      'FORMAT_VERSION',
      { rule: 'G-06' },
    ),
    test('body: fields past the end', 'The field area is longer than the body.', BODY, set(98, 0xff), 'INTEGRITY', {
      rule: 'G-03',
    }),
    test('body: kind of payload', 'The kind of payload is 2.', BODY, set(100, 2), 'INTEGRITY', { rule: 'B-04' }),
    test('body: kind is blob', 'The payload is said to be a blob.', BODY, set(100, 1), 'INTEGRITY', { rule: 'B-05' }),
    test('body: longer', 'A byte follows the payload.', BODY, append(ZEROS(1)), 'INTEGRITY', { rule: 'B-03' }),
    test('body: cut', 'The payload lacks a byte.', BODY, drop(-1, 1), 'INTEGRITY', { rule: 'B-03' }),
    test('body: empty', 'The body is empty.', BODY, () => ZEROS(0), 'INTEGRITY', { rule: 'G-03' }),
  ];
}

export function tombstones(): Case[] {
  const key = 'deleted';
  const of = caseOf(retrieve(key));
  return [
    of(
      'tombstone: a field',
      'A tombstone has an optional field.',
      `H of ${key}`,
      withFields(field(200, 0, ZEROS(0))),
      'INTEGRITY',
      { rule: 'R-05' },
    ),
    of(
      'tombstone: too long',
      'The body of a tombstone has a byte more.',
      `body of ${key}`,
      append(ZEROS(1)),
      'INTEGRITY',
      { rule: 'R-05' },
    ),
    of('tombstone: too short', 'The body of a tombstone has a byte less.', `body of ${key}`, drop(-1, 1), 'INTEGRITY', {
      rule: 'R-05',
    }),
    of('tombstone: time', 'The time of a tombstone is out of range.', `body of ${key}`, set(0, LATE), 'INTEGRITY', {
      rule: 'G-08',
    }),
    of(
      'tombstone: origin',
      'A tombstone that names a commit before it says that its history begins with it.',
      `body of ${key}`,
      set(15, 10),
      'INTEGRITY',
      { rule: 'R-24' },
    ),
  ];
}
