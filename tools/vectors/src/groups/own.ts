import { checkpointName } from '../../../../packages/core-format/src/index.ts';
import type { Base } from '../make/base.ts';
import { GENERATION } from '../make/base.ts';
import { append, bytesFrom, drop, flip, gone, set, u32 } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf } from '../make/cases.ts';
import { make, namesOf } from '../make/make.ts';
import { ownNames } from '../make/own.ts';
import { LATE } from './fields.ts';

const FIELDS = [
  ['magic', 0],
  ['format version', 4],
  ['suite', 5],
  ['purpose', 6],
  ['reserved byte', 7],
  ['salt', 8],
  ['key id', 40],
  ['commitment', 48],
  ['sealed bytes', 80],
  ['tag', -1],
] as const;

function pageName(base: Base): string {
  const name = [...make(base).objects.keys()].find((found) => /^c\/[0-9a-v]{52}$/.test(found));
  if (name === undefined) throw new Error('no page');
  return name;
}

const of = (object: string): ReturnType<typeof caseOf> => caseOf({ do: 'own', object });

export function own(base: Base): Case[] {
  if (base.name !== 'suite-1' && base.name !== 'suite-2') return [];
  const names = ownNames({ base, names: namesOf(base) });
  const page = pageName(base);
  const root = checkpointName(GENERATION, bytesFrom(`${base.name} name of the checkpoint`, 16));
  const all = [
    ['hint', names.hint],
    ['writer', names.writer],
    ['consumer', names.consumer],
    ['last collection', names.job],
    ['marker', names.marker],
    ['page', page],
    ['checkpoint', root],
  ] as const;
  const [hint, writer, consumer, marker, pages, roots] = [
    names.hint,
    names.writer,
    names.consumer,
    names.marker,
    page,
    root,
  ].map(of);
  if (!hint || !writer || !consumer || !marker || !pages || !roots) throw new Error('no objects');
  // A hint's only entry begins at 12 with its token; a consumer's cursors at 28, after its label of 6 bytes.
  const cases = [
    ...all.map(([what, object]): Case => ({
      name: `${what}: right`,
      description: `The ${what} as it is.`,
      action: { do: 'own', object },
      expect: 'ok',
    })),
    ...FIELDS.map(([field, at]) =>
      hint(
        `hint: ${field}`,
        `A bit of the hint's ${field} is flipped at the backend.`,
        `at ${names.hint}`,
        flip(at),
        'INTEGRITY',
        { rule: 'Y-03' },
      ),
    ),
    hint('hint: of another number', 'The hint is sealed for another place.', 'context of hint', flip(-1), 'INTEGRITY', {
      rule: 'Y-03',
    }),
    hint(
      'hint: cut',
      'The hint is shorter than a tag.',
      `at ${names.hint}`,
      (bytes) => bytes.subarray(0, 95),
      'INTEGRITY',
      { rule: 'G-03' },
    ),
    hint('hint: missing', 'The hint is missing.', `at ${names.hint}`, gone, 'NOT_FOUND'),
    hint('hint: version', 'A hint of version 2.', 'hint', set(0, 2), 'FORMAT_VERSION', { rule: 'J-05' }),
    hint('hint: kind', 'A hint of kind 3.', 'hint', set(1, 3), 'INTEGRITY', { rule: 'J-01' }),
    hint('hint: a close with entries', 'A close has entries.', 'hint', set(1, 2), 'INTEGRITY', { rule: 'J-01' }),
    hint(
      'hint: no entries',
      'A hint has no entries.',
      'hint',
      (bytes) => Buffer.concat([bytes.subarray(0, 10), Buffer.alloc(2)]),
      'INTEGRITY',
      { rule: 'J-01' },
    ),
    hint('hint: token', 'A token holds a capital.', 'hint', set(14, Buffer.from('A')), 'INTEGRITY', { rule: 'J-02' }),
    hint(
      'hint: an empty token',
      'A token is empty.',
      'hint',
      (bytes) => Buffer.concat([bytes.subarray(0, 12), Buffer.alloc(2), bytes.subarray(-16)]),
      'INTEGRITY',
      { rule: 'J-02' },
    ),
    hint('hint: longer', 'A byte follows the hint.', 'hint', append(Buffer.alloc(1)), 'INTEGRITY', { rule: 'G-03' }),
    writer('writer: version', 'A registration of version 2.', 'writer', set(0, 2), 'FORMAT_VERSION', { rule: 'J-05' }),
    writer('writer: time', 'The registration is a millisecond too late.', 'writer', set(1, LATE), 'INTEGRITY', {
      rule: 'G-08',
    }),
    writer('writer: ended', 'The registration is neither ended nor not.', 'writer', set(17, 2), 'INTEGRITY', {
      rule: 'J-03',
    }),
    writer('writer: cut', 'The last byte of the registration is missing.', 'writer', drop(-1, 1), 'INTEGRITY', {
      rule: 'G-03',
    }),
    consumer('consumer: version', 'A consumer of version 2.', 'consumer', set(0, 2), 'FORMAT_VERSION', {
      rule: 'J-05',
    }),
    consumer(
      'consumer: no label',
      'The label is empty.',
      'consumer',
      (bytes) => Buffer.concat([bytes.subarray(0, 1), Buffer.alloc(1), bytes.subarray(8)]),
      'INTEGRITY',
      { rule: 'J-04' },
    ),
    consumer('consumer: expired', 'It has expired and has cursors.', 'consumer', set(24, 1), 'INTEGRITY', {
      rule: 'J-04',
    }),
    consumer('consumer: flag', 'A flag is 2.', 'consumer', set(24, 2), 'INTEGRITY', { rule: 'J-03' }),
    consumer('consumer: pass', 'It owes a pass of kind 3.', 'consumer', set(25, 3), 'INTEGRITY', { rule: 'J-04' }),
    consumer(
      'consumer: cursors twice',
      'Two cursors are those of one writer.',
      'consumer',
      (bytes) => Buffer.concat([bytes.subarray(0, 26), u32(2), bytes.subarray(30, 55), bytes.subarray(30)]),
      'INTEGRITY',
      { rule: 'J-04' },
    ),
    consumer(
      'consumer: cursors past the end',
      'It is said to have over four thousand million cursors.',
      'consumer',
      set(26, u32(0xffffffff)),
      'INTEGRITY',
      { rule: 'G-03' },
    ),
    marker('marker: state', 'The state of a marker is 3.', 'marker', set(0, 3), 'INTEGRITY', { rule: 'M-01' }),
    marker('marker: longer', 'A byte follows the marker.', 'marker', append(Buffer.alloc(1)), 'INTEGRITY', {
      rule: 'G-03',
    }),
    pages('page: flipped', 'The last byte of a page is flipped at the backend.', `at ${page}`, flip(-1), 'INTEGRITY', {
      rule: 'X-06',
    }),
    roots(
      'checkpoint: version',
      'A checkpoint of version 2.',
      'checkpoint before its signature',
      set(0, 2),
      'FORMAT_VERSION',
      { rule: 'X-03' },
    ),
    roots(
      'checkpoint: time',
      'The cut began a millisecond too late.',
      'checkpoint before its signature',
      set(17, LATE),
      'INTEGRITY',
      { rule: 'G-08' },
    ),
    roots(
      'checkpoint: totals',
      'The totals are not those of the pages.',
      'checkpoint before its signature',
      flip(40),
      'INTEGRITY',
      { rule: 'X-04' },
    ),
    roots(
      'checkpoint: another instance',
      'A checkpoint of another instance.',
      'checkpoint before its signature',
      flip(1),
      'INTEGRITY',
      { rule: 'X-05' },
    ),
    roots(
      'checkpoint: signature',
      'The signature of a checkpoint does not verify.',
      'checkpoint',
      flip(-1),
      'INTEGRITY',
      { rule: 'X-05' },
    ),
    roots(
      'checkpoint: a page without entries',
      'A page is said to have no entries.',
      'checkpoint before its signature',
      set(-4, u32(0)),
      'INTEGRITY',
      { rule: 'X-04' },
    ),
    roots(
      'checkpoint: at the backend',
      'The last byte of a checkpoint is flipped at the backend.',
      `at ${root}`,
      flip(-1),
      'INTEGRITY',
      { rule: 'Y-04' },
    ),
  ];
  return base.name === 'suite-1' ? cases : cases.slice(0, all.length + FIELDS.length);
}
