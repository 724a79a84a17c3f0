import assert from 'node:assert/strict';
import { assertBytes, bytes, rejection } from '../support/checks.ts';
import type { Concern } from '../support/types.ts';

const SIZE = 1000;

/** `[start, end, first byte, byte after the last]` of a body of 1,000 bytes. */
const RANGES: readonly (readonly [number | undefined, number | undefined, number, number])[] = [
  [0, 10, 0, 10],
  [10, 20, 10, 20],
  [990, 1000, 990, 1000],
  [999, undefined, 999, 1000],
  [undefined, 5, 0, 5],
  [500, undefined, 500, 1000],
  [990, 5000, 990, 1000],
  [0, 1000, 0, 1000],
  [0, undefined, 0, 1000],
  [1000, 2000, 1000, 1000],
  [1000, undefined, 1000, 1000],
  [5000, 6000, 1000, 1000],
  [20, 20, 20, 20],
  [0, 0, 0, 0],
];

/** Parts of a body: end exclusive, cut at the end of the body. */
export const ranges: Concern = {
  name: 'range reads',
  tests: [
    {
      name: 'the bytes from start to before end, and the size of the whole',
      needs: 'rangeRead',
      run: async ({ backend }) => {
        const body = bytes(SIZE, 9);
        await backend.write('body', body);
        for (const [start, end, first, last] of RANGES) {
          const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
          const read = await backend.read('body', range);
          const what = `the range from ${start ?? 'nothing'} to ${end ?? 'nothing'}`;
          assert.ok(read, `${what}: the key is said to be missing`);
          assertBytes(read.body, body.slice(first, last), what);
          assert.equal(read.size, SIZE, `${what}: size is that of the whole body`);
        }
      },
    },
    {
      name: 'of an empty body',
      needs: 'rangeRead',
      run: async ({ backend }) => {
        await backend.write('empty', bytes(0));
        for (const range of [{ start: 0, end: 10 }, { start: 5 }, { end: 0 }]) {
          const read = await backend.read('empty', range);
          assert.deepEqual([read?.body.byteLength, read?.size], [0, 0]);
        }
      },
    },
    {
      name: 'of a body that is being replaced, bytes that fit to the size',
      needs: 'rangeRead',
      run: async ({ backend, open }) => {
        const other = await open();
        const [short, long] = [bytes(SIZE, 1), bytes(3 * SIZE, 2)];
        await backend.write('body', short);
        const read = async (): Promise<void> => {
          const part = await backend.read('body', { start: 2 * SIZE, end: 2 * SIZE + 10 });
          assert.ok(part, 'the key is said to be missing');
          const whole = part.size === short.byteLength ? short : long;
          assert.equal(part.size, whole.byteLength, 'the size of no body that was written');
          assertBytes(part.body, whole.slice(2 * SIZE, 2 * SIZE + 10), `the range of ${part.size} bytes`);
        };
        for (const body of [long, short, long, short]) {
          await Promise.all([read(), other.write('body', body), read(), read().then(read)]);
        }
      },
    },
    {
      name: 'an impossible range is INVALID_ARGUMENT',
      needs: 'rangeRead',
      run: async ({ backend }) => {
        await backend.write('body', bytes(SIZE));
        const impossible = [{ start: -1 }, { end: -1 }, { start: 1.5 }, { end: Number.NaN }, { start: 20, end: 10 }];
        for (const range of impossible) await rejection(backend.read('body', range), 'INVALID_ARGUMENT');
      },
    },
    {
      name: 'a range is UNSUPPORTED, not ignored',
      without: 'rangeRead',
      run: async ({ backend }) => {
        await backend.write('body', bytes(SIZE));
        await rejection(backend.read('body', { start: 1, end: 2 }), 'UNSUPPORTED');
      },
    },
  ],
};
