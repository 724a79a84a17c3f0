import { SecureStoreError } from '@securestore/core-format';
import { SourceError } from './call.ts';
import type { StoreData } from './types.ts';

/** Data to store: small and at hand, or a stream of blocks. */
export type Payload =
  | { readonly kind: 'inline'; readonly data: Uint8Array }
  | { readonly kind: 'stream'; readonly source: AsyncIterable<Uint8Array> };

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
}

const SLICE_BYTES: number = 1024 * 1024;

async function* blocksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* slices(bytes);
}

function isAsyncIterable(data: unknown): data is AsyncIterable<unknown> {
  return (
    typeof data === 'object' &&
    data !== null &&
    typeof (data as Record<symbol, unknown>)[Symbol.asyncIterator] === 'function'
  );
}

/** The blocks of a caller's stream, checked; what it throws is told apart from faults of the store. */
async function* checkedBlocks(source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    while (true) {
      let step: IteratorResult<unknown>;
      try {
        step = await iterator.next();
      } catch (cause) {
        ended = true;
        throw new SourceError('the source of the data failed', { cause });
      }
      if (step.done === true) {
        ended = true;
        return;
      }
      if (!(step.value instanceof Uint8Array)) {
        throw new SecureStoreError('INVALID_ARGUMENT', 'a stream to store must give Uint8Array chunks');
      }
      yield step.value;
    }
  } finally {
    // So that an abandoned file or socket is closed.
    if (!ended) await iterator.return?.();
  }
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for anything that {@link StoreData} doesn't allow */
function streamOf(data: StoreData): AsyncIterable<Uint8Array> | Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (typeof data === 'string') {
    if (!data.isWellFormed()) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'the text to store has a lone surrogate, which UTF-8 cannot hold');
    }
    return Buffer.from(data, 'utf8');
  }
  if (data instanceof Blob) return checkedBlocks(data.stream());
  if (isAsyncIterable(data)) return checkedBlocks(data);
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    'the data to store must be a Uint8Array, a string, a Blob, an async iterable or a ReadableStream of Uint8Array',
  );
}

/** Collects up to `inline` bytes; what is longer stays a stream, beginning with what was read already. */
async function peek(source: AsyncIterable<Uint8Array>, inline: number): Promise<Payload> {
  const iterator = source[Symbol.asyncIterator]();
  const read: Uint8Array[] = [];
  let length = 0;
  while (length <= inline) {
    const step = await iterator.next();
    if (step.done === true) return { kind: 'inline', data: Buffer.concat(read) };
    // The source may re-use its buffer for the next block.
    read.push(new Uint8Array(step.value));
    length += step.value.length;
  }
  return { kind: 'stream', source: resumed(read, iterator) };
}

async function* resumed(read: Uint8Array[], iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    while (read.length > 0) yield* slices(read.shift() ?? new Uint8Array());
    while (true) {
      const step = await iterator.next();
      if (step.done === true) return;
      yield* slices(step.value);
    }
  } finally {
    await iterator.return?.();
  }
}

/** Data as a payload; what fits into a record is copied, so that the caller's buffer is free at once. */
export function payloadOf(data: StoreData, inline: number): Payload | Promise<Payload> {
  const source = streamOf(data);
  if (!(source instanceof Uint8Array)) return peek(source, inline);
  if (source.length > inline) return { kind: 'stream', source: blocksOf(source) };
  return { kind: 'inline', data: typeof data === 'string' ? source : new Uint8Array(source) };
}

/** Any data as a stream, for comparisons. */
export function blocksOfData(data: StoreData): AsyncIterable<Uint8Array> {
  const source = streamOf(data);
  return source instanceof Uint8Array ? blocksOf(source) : source;
}
