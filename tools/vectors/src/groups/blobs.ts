import { parseStoreKey, partName } from '../../../../packages/core-format/src/index.ts';
import type { Base } from '../make/base.ts';
import { CHUNK } from '../make/base.ts';
import type { Change } from '../make/bytes.ts';
import { append, bytesFrom, drop, flip, gone, set } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, retrieve } from '../make/cases.ts';
import { namesOf } from '../make/make.ts';
import { claims } from './blob-claims.ts';

const SEALED = CHUNK + 16;
const PREFIX = 60;
/** big has four chunks, two in each part; whole has a full chunk and an empty one, each in a part of its own. */
const big = caseOf(retrieve('big'));
const whole = caseOf(retrieve('whole'));

function parts(base: Base, key: string): (part: number) => string {
  const { token } = namesOf(base).locate(parseStoreKey(key));
  const blobId = bytesFrom(`${base.name} blob ${key}`, 16);
  return (part) => partName(token, blobId, part);
}

const swapChunks =
  (first: number, second: number): Change =>
  (part) =>
    Buffer.concat([
      part.subarray(0, first),
      part.subarray(second, second + SEALED),
      part.subarray(first + SEALED, second),
      part.subarray(first, first + SEALED),
      part.subarray(second + SEALED),
    ]);

function tampered(base: Base): Case[] {
  const at = (part: number): string => `at ${parts(base, 'big')(part)}`;
  const first = parts(base, 'big')(0);
  const fields = [
    ['magic', 0],
    ['format version', 4],
    ['suite', 5],
    ['reserved bytes', 7],
    ['chunk size', 10],
    ['blob id', 12],
    ['commitment', 28],
  ] as const;
  return [
    ...fields.map(([name, offset]) =>
      big(
        `flipped: ${name}`,
        `A bit of the blob's ${name} is flipped at the backend.`,
        at(0),
        flip(offset),
        'INTEGRITY',
        { rule: 'L-07' },
      ),
    ),
    big('flipped: first chunk', 'A bit of the first chunk is flipped.', at(0), flip(PREFIX), 'INTEGRITY', {
      rule: 'L-08',
    }),
    big(
      'flipped: tag of the first chunk',
      'A bit of the tag of the first chunk is flipped.',
      at(0),
      flip(PREFIX + SEALED - 1),
      'INTEGRITY',
      { rule: 'L-08' },
    ),
    big(
      'flipped: second chunk',
      'A bit of the second chunk is flipped: the first one may be released.',
      at(0),
      flip(PREFIX + SEALED),
      'INTEGRITY',
      { rule: 'L-08', released: CHUNK },
    ),
    big(
      'flipped: third chunk',
      'A bit of the third chunk, the first of its part, is flipped.',
      at(1),
      flip(0),
      'INTEGRITY',
      { rule: 'L-08', released: 2 * CHUNK },
    ),
    big('flipped: last chunk', 'A bit of the last chunk is flipped.', at(1), flip(SEALED), 'INTEGRITY', {
      rule: 'L-08',
      released: 3 * CHUNK,
    }),
    big(
      'flipped: tag of the last chunk',
      'A bit of the tag of the last chunk is flipped.',
      at(1),
      flip(-1),
      'INTEGRITY',
      { rule: 'L-08', released: 3 * CHUNK },
    ),
    big(
      'exchanged chunks',
      'The first two chunks are exchanged.',
      at(0),
      swapChunks(PREFIX, PREFIX + SEALED),
      'INTEGRITY',
      { rule: 'L-08' },
    ),
    big(
      'repeated chunk',
      'The first chunk stands in the place of the second one too.',
      at(0),
      (part) => Buffer.concat([part.subarray(0, PREFIX + SEALED), part.subarray(PREFIX, PREFIX + SEALED)]),
      'INTEGRITY',
      { rule: 'L-08', released: CHUNK },
    ),
    big(
      'a chunk of the other part',
      'The third chunk stands in the place of the second one.',
      at(1),
      (part, all) => Buffer.concat([(all.get(first) ?? part).subarray(PREFIX + SEALED), part.subarray(SEALED)]),
      'INTEGRITY',
      { rule: 'L-08', released: 2 * CHUNK },
    ),
    big(
      'a chunk of zeros',
      'The second chunk is zeros.',
      at(0),
      set(PREFIX + SEALED, Buffer.alloc(SEALED)),
      'INTEGRITY',
      { rule: 'L-08', released: CHUNK },
    ),
    big('dropped chunk', 'The second chunk is missing.', at(0), drop(PREFIX + SEALED, SEALED), 'INTEGRITY', {
      rule: 'L-06',
    }),
    big('dropped first chunk', 'The first chunk is missing.', at(0), drop(PREFIX, SEALED), 'INTEGRITY', {
      rule: 'L-06',
    }),
    big(
      'dropped last chunk',
      'The last chunk is missing: what is left ends with a full one.',
      at(1),
      (part) => part.subarray(0, SEALED),
      'INTEGRITY',
      { rule: 'L-06', released: 2 * CHUNK },
    ),
    big(
      'duplicated chunk',
      'The last full chunk is there twice.',
      at(1),
      (part) => Buffer.concat([part.subarray(0, SEALED), part]),
      'INTEGRITY',
      { rule: 'L-06', released: 2 * CHUNK },
    ),
    big('cut: within the last chunk', 'The last byte is missing.', at(1), drop(-1, 1), 'INTEGRITY', {
      rule: 'L-06',
      released: 2 * CHUNK,
    }),
    big('cut: within a full chunk', 'The first part ends within its second chunk.', at(0), drop(-1, 1), 'INTEGRITY', {
      rule: 'L-06',
    }),
    big(
      'cut: within the header',
      'The first part ends within the header of the blob.',
      at(0),
      (part) => part.subarray(0, 20),
      'INTEGRITY',
      { rule: 'L-06' },
    ),
    big(
      'cut: after the commitment',
      'The first part ends before its first chunk.',
      at(0),
      (part) => part.subarray(0, PREFIX),
      'INTEGRITY',
      { rule: 'L-06' },
    ),
    big('cut: nothing left', 'The first part is empty.', at(0), () => Buffer.alloc(0), 'INTEGRITY', { rule: 'L-06' }),
    big('longer', 'A byte follows the blob.', at(1), append(Buffer.alloc(1)), 'INTEGRITY', {
      rule: 'L-06',
      released: 2 * CHUNK,
    }),
    big(
      'an empty chunk follows',
      'A tag without a chunk follows the blob.',
      at(1),
      append(bytesFrom('tag', 16)),
      'INTEGRITY',
      { rule: 'L-06', released: 2 * CHUNK },
    ),
    big('missing: first part', 'The first part is missing.', at(0), gone, 'INTEGRITY', { rule: 'L-06' }),
    big('missing: second part', 'The second part is missing.', at(1), gone, 'INTEGRITY', {
      rule: 'L-06',
      released: 2 * CHUNK,
    }),
    big(
      'a third part',
      'A part follows that the record knows nothing of, which nobody reads.',
      at(2),
      () => Buffer.alloc(SEALED),
      'ok',
      { rule: 'L-05' },
    ),
    whole(
      'the empty chunk is missing',
      'The part with the empty last chunk is missing.',
      `at ${parts(base, 'whole')(1)}`,
      gone,
      'INTEGRITY',
      { rule: 'L-06', released: CHUNK },
    ),
    whole(
      'the empty chunk is flipped',
      'The tag of the empty last chunk is flipped.',
      `at ${parts(base, 'whole')(1)}`,
      flip(0),
      'INTEGRITY',
      { rule: 'L-08', released: CHUNK },
    ),
    whole(
      'the full chunk is flipped',
      'The tag of the only full chunk is flipped.',
      `at ${parts(base, 'whole')(0)}`,
      flip(-1),
      'INTEGRITY',
      { rule: 'L-08' },
    ),
  ];
}

function mixed(base: Base): Case[] {
  return [
    big(
      'suite of the body',
      'The body states suite 2 for a blob that is of suite 1.',
      'body of big',
      set(-37, 2),
      'INTEGRITY',
      { rule: 'L-09' },
    ),
    big(
      'suite of the header',
      "The blob's own header states suite 2, in its key derivation too.",
      'header of the blob of big',
      set(5, 2),
      'INTEGRITY',
      { rule: 'L-07' },
    ),
    big(
      'flipped: suite',
      'The suite in the header of the blob is another one.',
      `at ${parts(base, 'big')(0)}`,
      set(5, 2),
      'INTEGRITY',
      { rule: 'L-07' },
    ),
  ];
}

export function blobs(base: Base): Case[] {
  if (base.name === 'mixed') return mixed(base);
  return base.name === 'plain' ? [] : [...tampered(base), ...claims()];
}
