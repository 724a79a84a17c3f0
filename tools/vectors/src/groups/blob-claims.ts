import { CHUNK } from '../make/base.ts';
import { append, flip, set, u16, u32, u53 } from '../make/bytes.ts';
import type { Case } from '../make/cases.ts';
import { caseOf, retrieve } from '../make/cases.ts';

const SEALED = CHUNK + 16;
const PREFIX = 60;
const LENGTH = 3 * CHUNK + 100;
const big = caseOf(retrieve('big'));

/** What the holder of the keys may have written: each contradicts something else. */
export function claims(): Case[] {
  const { length: nameLength } = Buffer.from('big');
  // In H: the blob id at 110, the part size at 126, the sealed length at 130. In the body without metadata: length at 34 + name.
  const [id, partSize, sealedLength] = [110, 126, 130];
  const lengthAt = 2 + nameLength + 32;
  // The body ends with the kind, the suite, the key and the chunk size.
  const [kind, suite, key, chunkSize] = [-38, -37, -36, -4];
  const [h, body] = ['H of big', 'body of big'];
  const header = 'header of the blob of big';
  return [
    big('H: another blob id', 'H names a blob that is not there.', h, flip(id), 'INTEGRITY', { rule: 'L-06' }),
    big(
      'H: part size of one chunk',
      'The parts are said to be half as long as they are.',
      h,
      set(partSize, u32(SEALED)),
      'INTEGRITY',
      { rule: 'L-06' },
    ),
    big(
      'H: part size no multiple',
      'The part size is no multiple of a sealed chunk.',
      h,
      set(partSize, u32(SEALED + 1)),
      'INTEGRITY',
      { rule: 'L-02' },
    ),
    big('H: part size zero', 'The part size is 0.', h, set(partSize, u32(0)), 'INTEGRITY', { rule: 'L-02' }),
    big(
      'H: part size over the limit',
      'The part size is over 8 MiB.',
      h,
      set(partSize, u32(2041 * SEALED)),
      'INTEGRITY',
      { rule: 'L-02' },
    ),
    big(
      'H: sealed length',
      'The sealed length is one more than that of the payload.',
      h,
      set(sealedLength, u53(PREFIX + LENGTH + 4 * 16 + 1)),
      'INTEGRITY',
      { rule: 'L-03' },
    ),
    big(
      'body: length',
      'The payload is said to be one byte shorter than it is.',
      body,
      set(lengthAt, u53(LENGTH - 1)),
      'INTEGRITY',
      { rule: 'L-03' },
    ),
    big(
      'body: too many chunks',
      'The payload is said to have over 2^32 chunks.',
      body,
      set(lengthAt, u53(2 ** 32 * CHUNK)),
      'INTEGRITY',
      { rule: 'L-04' },
    ),
    big('body: chunk size 4095', 'The chunk size is no power of two.', body, set(chunkSize, u32(4095)), 'INTEGRITY', {
      rule: 'L-01',
    }),
    big('body: chunk size 2048', 'The chunk size is too small.', body, set(chunkSize, u32(2048)), 'INTEGRITY', {
      rule: 'L-01',
    }),
    big('body: chunk size 0', 'The chunk size is 0.', body, set(chunkSize, u32(0)), 'INTEGRITY', { rule: 'L-01' }),
    big('body: chunk size 2 MiB', 'The chunk size is too large.', body, set(chunkSize, u32(2 ** 21)), 'INTEGRITY', {
      rule: 'L-01',
    }),
    big('body: another key', 'The body has another key for the blob.', body, flip(key), 'INTEGRITY', { rule: 'L-07' }),
    big(
      'body: suite not accepted',
      'The body states a suite for the blob that the head does not accept.',
      body,
      set(suite, 9),
      'INTEGRITY',
      { rule: 'B-06' },
    ),
    big('body: inline', 'The body states an inline payload, and H refers to a blob.', body, set(kind, 0), 'INTEGRITY', {
      rule: 'B-05',
    }),
    big('body: longer', 'A byte follows the chunk size.', body, append(Buffer.alloc(1)), 'INTEGRITY', { rule: 'G-03' }),
    big(
      'header: reserved bytes',
      'The reserved bytes of the blob are not zero, in its key derivation too.',
      header,
      set(6, u16(1)),
      'INTEGRITY',
      { rule: 'L-07' },
    ),
    big('header: blob id', 'The blob is that of another id, with the same key.', header, flip(12), 'INTEGRITY', {
      rule: 'L-07',
    }),
    big(
      'header: chunk size',
      'The header of the blob states another chunk size than the body.',
      header,
      set(8, u32(2 * CHUNK)),
      'INTEGRITY',
      { rule: 'L-07' },
    ),
  ];
}
