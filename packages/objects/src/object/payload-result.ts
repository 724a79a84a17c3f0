import { SecureStoreError } from '@securestore/core-format';
import type { Clock } from '@securestore/jobs';
import { settledSoon } from '../util/abort.ts';
import type { BlobReader } from '../record/blob-reader.ts';
import { inCall } from '../api/call-boundary.ts';
import type { Found } from './find-version.ts';
import { parseRange } from '../api/range.ts';
import { jsonOf, textOf } from '../api/decode-data.ts';
import { infoOf } from '../record/open-record.ts';
import type { RangeOptions, Retrieved } from '../api/types.ts';

async function readAll(
  reader: BlobReader,
  length: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  let data: Uint8Array<ArrayBuffer>;
  try {
    data = new Uint8Array(length);
  } catch (cause) {
    throw new SecureStoreError(
      'TOO_LARGE',
      `the object has ${length} bytes, more than fit in memory; use retrieveStream`,
      { cause },
    );
  }
  let at = 0;
  for await (const piece of reader.read(0, length, signal)) {
    data.set(piece, at);
    at += piece.length;
  }
  return data;
}

/** An object with its payload in memory. */
export async function retrievedOf<M extends object>(
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

function missingReader(): never {
  throw new SecureStoreError('INTERNAL', 'a blob without a reader');
}

/** What is in memory already: a stream that reads step by step would cost more than a small object does. */
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

/** The payload, or the asked-for range of it, as a stream that reads only when it is read. */
export function streamRange(
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
