import { SecureStoreError } from '@securestore/core-format';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeMessage, encodeStream, FrameReader, fromProblem, toProblem } from '../../src/index.ts';

/** Bytes in pieces of any length, as a network gives them. */
async function* inPieces(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let n = 0; at < bytes.length; n++) {
    const length = lengths[n % lengths.length] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

const pieces = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });
const told = (error: unknown): SecureStoreError => fromProblem(error, new SecureStoreError('UNAVAILABLE', 'no error'));

async function read(source: AsyncIterable<Uint8Array>): Promise<{ head: unknown; data: Buffer }> {
  const reader = new FrameReader(source);
  const head = await reader.head();
  return { head, data: Buffer.concat(await Array.fromAsync(reader.data(told))) };
}

describe('a message in frames', () => {
  it('comes as it was sent, however it is cut into pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50 })),
        fc.dictionary(fc.string(), fc.jsonValue()),
        pieces,
        async (chunks, metadata, lengths) => {
          const head = JSON.parse(JSON.stringify({ metadata })) as object;
          const data = Buffer.concat(chunks);
          const whole = encodeMessage(head, data);
          const streamed = Buffer.concat(await Array.fromAsync(encodeStream(head, ReadableStream.from(chunks))));
          for (const message of [whole, streamed]) {
            const found = await read(inPieces(message, lengths));
            expect(found.head).toEqual(head);
            expect(data.equals(found.data)).toBe(true);
          }
        },
      ),
    );
  });

  it('that is cut off anywhere, or goes on, is not whole', async () => {
    const message = encodeMessage({ a: 1 }, Buffer.from('0123456789'));
    for (let length = 0; length < message.length; length++) {
      await expect(read(inPieces(message.subarray(0, length), [7])), `${length}`).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    }
    const more = Buffer.concat([message, Buffer.from([0])]);
    await expect(read(inPieces(more, [1000]))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  it('tells the error in its middle, with its code', async () => {
    const error = new SecureStoreError('INTEGRITY', 'retrieveStream "k": damaged', {
      operation: 'retrieveStream',
      key: 'k',
      detail: 'damaged',
    });
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('some');
      throw error;
    }
    const reader = new FrameReader(encodeStream({}, failing(), (thrown) => toProblem(thrown)));
    await reader.head();
    const data = reader.data(told);
    expect(Buffer.from((await data.next()).value ?? []).toString()).toBe('some');
    await expect(data.next()).rejects.toMatchObject({ code: 'INTEGRITY', message: 'damaged', key: 'k' });
  });

  it('with any bytes in its place is refused without quoting them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), async (bytes) => {
        const error: unknown = await read(inPieces(bytes, [3])).catch((thrown: unknown) => thrown);
        expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
        expect((error as Error).cause).toBeUndefined();
      }),
    );
  });
});

describe('an error', () => {
  it('keeps what it says, but for its causes and its call', () => {
    const cause = new Error('s3cr3t');
    const details = {
      operation: 'store',
      key: 'a"b',
      currentVersion: 'v',
      outcome: 'unknown',
      retryable: true,
      backend: 'memory',
      detail: 'it is there',
      cause,
    } as const;
    const wire = toProblem(new SecureStoreError('CONFLICT', 'store "a\\"b": it is there', details), 'r-1');
    expect(JSON.stringify(wire)).not.toContain('s3cr3t');
    expect(told(wire)).toMatchObject({
      code: 'CONFLICT',
      message: 'it is there',
      operation: 'store',
      key: 'a"b',
      currentVersion: 'v',
      outcome: 'unknown',
      retryable: true,
    });
  });

  it.each([new TypeError('s3cr3t'), new SecureStoreError('INTERNAL', 's3cr3t'), 's3cr3t', null])(
    'that is a defect tells nothing of it',
    (error) => {
      const wire = toProblem(error, 'r-1');
      expect(wire).toMatchObject({ code: 'INTERNAL', retryable: false, requestId: 'r-1' });
      expect(JSON.stringify(wire)).not.toContain('s3cr3t');
    },
  );

  it.each([undefined, null, 7, 'x', {}, { code: 'CONFLICT' }, { code: 7, detail: 'x' }])(
    'that is none (%j) is what was said instead',
    (value) => {
      expect(told(value).code).toBe('UNAVAILABLE');
    },
  );

  it('of a newer release is INTERNAL', () => {
    expect(told({ code: 'TEAPOT', detail: 'short and stout' })).toMatchObject({
      code: 'INTERNAL',
      message: 'short and stout',
    });
  });
});
