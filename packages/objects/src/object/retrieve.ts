import { SecureStoreError } from '@securestore/core-format';
import { release } from '@securestore/crypto';
import type { Clock } from '@securestore/jobs';
import { inCall } from '../api/call-boundary.ts';
import { jsonOf, textOf } from '../api/decode-data.ts';
import { parseRange } from '../api/range.ts';
import type { RangeOptions, Retrieved, RetrievedStream, RetrieveOptions } from '../api/types.ts';
import type { Engine } from '../engine/engine.ts';
import type { BlobReader } from '../record/blob-reader.ts';
import type { Target } from '../record/open-record.ts';
import { infoOf } from '../record/open-record.ts';
import { confirmStill } from '../record/stable-read.ts';
import { settledSoon } from '../util/abort.ts';
import type { Found } from './find-version.ts';
import { blobReader, findObject, GoneMeanwhile } from './find-version.ts';

const MAX_TRIES = 10;

/** An object as a whole. @throws SecureStoreError as {@link findObject}; `INTEGRITY` if its payload is damaged */
export async function retrieveObject<M extends object>(
  engine: Engine,
  target: Target,
  options: RetrieveOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Retrieved<M>> {
  const wantsCurrent = options?.version === undefined && options?.at === undefined;
  for (let tries = 1; ; tries++) {
    try {
      return await retrieveOnce<M>(engine, target, options, signal);
    } catch (error) {
      // The version that was current when the call began may have been replaced and collected: then there is a newer one.
      if (!(error instanceof GoneMeanwhile) || !wantsCurrent || tries === MAX_TRIES) throw error;
    }
  }
}

async function retrieveOnce<M extends object>(
  engine: Engine,
  target: Target,
  options: RetrieveOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Retrieved<M>> {
  const found = await findObject(engine, target, options, signal);
  const reader = blobReader(engine, target, found);
  const retrieved = await retrievedOf<M>(found, reader, signal);
  if (reader === undefined) return retrieved;
  // Reading the parts may have taken long.
  await confirmStill(engine, found.opened.header.categoryId, signal);
  return retrieved;
}

/** An object with its payload in memory. */
async function retrievedOf<M extends object>(
  found: Found,
  reader: BlobReader | undefined,
  signal: AbortSignal | undefined,
): Promise<Retrieved<M>> {
  const { body } = found.opened;
  const info = infoOf<M>(found.state, found.opened);
  const data =
    body.payload.kind === 'inline'
      ? new Uint8Array(body.payload.data)
      : await readAll(reader ?? missingReader(), body.length, signal);
  return {
    data,
    metadata: info.metadata,
    info,
    text: () => textOf(data),
    json: <T>() => jsonOf(data) as T,
  };
}

async function readAll(
  reader: BlobReader,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  let data: Uint8Array<ArrayBuffer>;
  try {
    data = new Uint8Array(length);
  } catch (cause) {
    throw new SecureStoreError('TOO_LARGE', `the object has ${length} bytes, more than fit in memory`, { cause });
  }
  let at = 0;
  for await (const piece of reader.read(0, length, signal)) {
    data.set(piece, at);
    at += piece.length;
    release(piece);
  }
  return data;
}

/**
 * An object as a stream.
 *
 * @param key as the caller gave it, for errors while the stream is read
 * @throws SecureStoreError as {@link findObject}
 */
export async function streamObject<M extends object>(
  engine: Engine,
  target: Target,
  key: string,
  options: RangeOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<RetrievedStream<M>> {
  const found = await findObject(engine, target, options, signal);
  const info = infoOf<M>(found.state, found.opened);
  const reader = blobReader(engine, target, found);
  const stream = streamRange(found, reader, options, signal, key, engine.clock);
  return { stream, metadata: info.metadata, info };
}

/** The payload, or the asked-for range of it, as a stream that reads only when it is read. */
function streamRange(
  { opened }: Found,
  reader: BlobReader | undefined,
  options: RangeOptions | undefined,
  signal: AbortSignal | undefined,
  key: string,
  clock: Clock,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { payload, length } = opened.body;
  const { start, end } = parseRange(options, length);
  if (payload.kind === 'inline') return inlineStream(payload.data, start, end);
  const pieces = (reader ?? missingReader()).read(start, end, signal);
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const step = await inCall(
          'retrieveStream',
          key,
          () => signal,
          () => settledSoon(pieces.next(), signal, clock),
        );
        if (step.done === true) controller.close();
        else controller.enqueue(step.value);
      },
      cancel() {
        // Not awaited: a read that is under way may take its time, and nothing comes of it any more.
        pieces.return(undefined).catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** A payload that is in memory already: a stream that reads step by step would cost more than a small object. */
function inlineStream(data: Uint8Array, start: number, end: number): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull(controller) {
        if (start < end) controller.enqueue(new Uint8Array(data.subarray(start, end)));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

function missingReader(): never {
  throw new SecureStoreError('INTERNAL', 'the payload has no reader');
}
