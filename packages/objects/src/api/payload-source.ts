// Unlike `instanceof`, it knows arrays of other realms, such as those of test runners.
import { isUint8Array } from 'node:util/types';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import { abortable } from '../util/abort.ts';
import { SourceError } from './call-boundary.ts';
import type { StoreData } from './types.ts';
import { shownValue } from '../util/shown-value.ts';

/** Data to store: small and at hand, or a stream of blocks. */
export type Payload =
  | {
      readonly kind: 'inline';
      /** A copy, to be wiped when it has been sealed. */
      readonly data: Buffer;
    }
  | {
      readonly kind: 'stream';
      readonly source: AsyncIterable<Uint8Array>;
      /** To be called in the end, since leaving a stream that was never read does not close it. */
      readonly close: () => Promise<void>;
    };

/**
 * @param length of the bytes when they were given
 * @throws SourceError if they are taken away meanwhile, as by a transfer: fewer of them are never given
 */
function* slices(bytes: Uint8Array, length: number): Generator<Uint8Array> {
  const check = (): void => {
    if (bytes.length !== length) throw new SourceError('the data to store changed its length');
  };
  check();
  for (let at = 0; at < length; at += SLICE_BYTES) {
    yield bytes.subarray(at, at + SLICE_BYTES);
    check();
  }
}

const SLICE_BYTES: number = 1024 * 1024;

/** @param length of the bytes when they were given: nothing of this runs before the first block is asked for */
async function* blocksOf(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  yield* slices(bytes, length);
}

function isAsyncIterable(data: unknown): data is AsyncIterable<unknown> {
  return (
    typeof data === 'object' &&
    data !== null &&
    typeof (data as Record<symbol, unknown>)[Symbol.asyncIterator] === 'function'
  );
}

/** Closes what is not read to its end, such as a file or a socket, whatever it says to that. */
async function closeSource(iterator: AsyncIterator<unknown> | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // Why the data is not read any more is what the caller learns.
  }
}

/** What `next()` of a caller's iterator says, looked into once; `undefined` if it gives no object. */
async function nextStep(
  iterator: AsyncIterator<unknown>,
  signal: AbortSignal | undefined,
): Promise<{ done: boolean; value: unknown } | undefined> {
  const step: unknown = await abortable(iterator.next(), signal);
  if (Object(step) !== step) return undefined;
  const { done, value } = step as IteratorResult<unknown>;
  return { done: Boolean(done), value };
}

/** The blocks of a caller's stream, checked; what it throws is distinguished from faults of the store. */
async function* checkedBlocks(
  source: AsyncIterable<unknown>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let iterator: AsyncIterator<unknown> | undefined;
  let ended = false;
  try {
    while (true) {
      let step: Awaited<ReturnType<typeof nextStep>>;
      try {
        iterator ??= source[Symbol.asyncIterator]();
        step = await nextStep(iterator, signal);
      } catch (cause) {
        if (signal?.aborted === true) throw cause;
        ended = true;
        throw new SourceError('the source of the data failed', { cause });
      }
      ended = step === undefined || step.done;
      if (step === undefined) {
        throw new SecureStoreError('INVALID_ARGUMENT', 'the iterator of a stream to store gave no object for a step');
      }
      if (step.done) return;
      if (!isUint8Array(step.value)) {
        throw new SecureStoreError('INVALID_ARGUMENT', 'a stream to store must give Uint8Array chunks');
      }
      if (step.value.length > 0) yield step.value;
    }
  } finally {
    const closed = ended ? undefined : closeSource(iterator);
    // A source that hangs can't be waited for.
    if (signal?.aborted !== true) await closed;
  }
}

/** Whether the memory of an array was transferred, so that it looks like an empty one. */
function isGone({ buffer }: Uint8Array): boolean {
  // Not by `instanceof`, as above; shared memory can't be transferred.
  return 'detached' in buffer && buffer.detached;
}

/** @throws SecureStoreError `INVALID_ARGUMENT` for anything that {@link StoreData} doesn't allow */
function streamOf(data: StoreData, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> | Uint8Array {
  if (isUint8Array(data)) {
    if (!isGone(data)) return data;
    throw new SecureStoreError('INVALID_ARGUMENT', 'the buffer of the data to store was transferred');
  }
  if (typeof data === 'string') {
    if (!data.isWellFormed()) {
      throw new SecureStoreError('INVALID_ARGUMENT', 'the text to store has a lone surrogate, which UTF-8 cannot hold');
    }
    return Buffer.from(data, 'utf8');
  }
  if (data instanceof Blob) return checkedBlocks(data.stream(), signal);
  if (isAsyncIterable(data)) return checkedBlocks(data, signal);
  throw new SecureStoreError(
    'INVALID_ARGUMENT',
    `the data must be a string, Uint8Array, Blob or async iterable of Uint8Array, got ${shownValue(data)}`,
  );
}

/** Collects up to `inline` bytes; what is longer stays a stream, beginning with what was read already. */
async function peek(source: AsyncGenerator<Uint8Array>, inline: number): Promise<Payload> {
  const read: Uint8Array[] = [];
  let length = 0;
  while (length <= inline) {
    const step = await source.next();
    if (step.done === true) return { kind: 'inline', data: Buffer.concat(read) };
    // The source may re-use its buffer for the next block.
    read.push(new Uint8Array(step.value));
    length += step.value.length;
  }
  return { kind: 'stream', source: resumed(read, source), close: async () => void (await source.return(undefined)) };
}

async function* resumed(read: Uint8Array[], source: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (let next = read.shift(); next !== undefined; next = read.shift()) yield* slices(next, next.length);
  for await (const block of source) yield* slices(block, block.length);
}

/** From Node's pool: memory of its own would take longer than sealing what is in it. */
function copied(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return copy;
}

/** Data as a payload; what fits into a record is copied, so that the caller's buffer is free at once. */
export function payloadOf(
  data: StoreData,
  inline: number,
  signal: AbortSignal | undefined,
): Payload | Promise<Payload> {
  const source = streamOf(data, signal);
  if (!isUint8Array(source)) return peek(source, inline);
  if (source.length > inline)
    return { kind: 'stream', source: blocksOf(source, source.length), close: async () => undefined };
  return { kind: 'inline', data: typeof data === 'string' ? asBuffer(source) : copied(source) };
}

/** Any data as a stream, for comparisons. */
export function blocksOfData(data: StoreData, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  const source = streamOf(data, signal);
  return isUint8Array(source) ? blocksOf(source, source.length) : source;
}
