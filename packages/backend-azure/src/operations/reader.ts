import { type CheckedBackend, type ReadOptions, type ReadResult, checkStoredSize } from '@securestore/backend-api';
import type { BlobDownloadResponseParsed, BlobGetPropertiesResponse } from '@azure/storage-blob';
import type { Call, Connection } from '../connection/connection.ts';
import { isMissing, isPastEnd, strangeAnswer } from '../connection/errors.ts';
import { plainEtag } from '../connection/etag.ts';

/** One read of one blob. */
interface Reading {
  readonly connection: Connection;
  readonly call: Call;
  readonly backend: CheckedBackend;
  readonly key: string;
  readonly name: string;
}

export async function readEntry(reading: Reading, options: ReadOptions): Promise<ReadResult | undefined> {
  const { connection, call } = reading;
  return connection.run(call, async (signal) => {
    try {
      return await readRange(reading, options, signal);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  });
}

async function readRange(reading: Reading, options: ReadOptions, signal: AbortSignal): Promise<ReadResult> {
  const { start = 0, end } = options;
  // The service knows no empty ranges, and a range past the end is an error that doesn't say when the blob was written.
  if (end === start) return emptyRange(reading, signal);
  try {
    return await download(reading, options, signal);
  } catch (error) {
    if (!isPastEnd(error)) throw error;
  }
  const found = await emptyRange(reading, signal);
  if (found.size <= start) return found;
  // Meanwhile a longer body has replaced it. A read of all of it needs no second request.
  const { etag: _, ...whole } = await download(reading, {}, signal);
  return { ...whole, body: whole.body.slice(start, end) };
}

async function download(
  { connection, call, backend, key, name }: Reading,
  { start = 0, end }: ReadOptions,
  signal: AbortSignal,
): Promise<ReadResult> {
  const blob = connection.container.getBlobClient(name);
  const count = end === undefined ? undefined : end - start;
  const answer = await blob.download(start, count, { abortSignal: signal, maxRetryRequests: 0 });
  const { readableStreamBody, contentLength, contentRange, etag } = answer;
  const part = start > 0 || end !== undefined;
  const size = part ? Number(/\/(\d+)$/.exec(contentRange ?? '')?.[1]) : contentLength;
  if (readableStreamBody === undefined || contentLength === undefined || !Number.isSafeInteger(size) || !etag) {
    throw strangeAnswer(call);
  }
  const stream = readableStreamBody as AsyncIterable<Buffer> & { destroy(): void };
  const result = { size: size ?? contentLength, ...timesOf(answer, call) };
  try {
    checkStoredSize(backend, key, result.size);
    // It is made room for before anything of it has come.
    if (contentLength > result.size) throw strangeAnswer(call);
    const body = await collect(stream, contentLength);
    return part ? { body, ...result } : { body, ...result, etag: plainEtag(etag) };
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

/** What is known of a blob without reading it. */
async function emptyRange({ connection, call, name, backend, key }: Reading, signal: AbortSignal): Promise<ReadResult> {
  const answer = await connection.container.getBlobClient(name).getProperties({ abortSignal: signal });
  if (answer.contentLength === undefined) throw strangeAnswer(call);
  checkStoredSize(backend, key, answer.contentLength);
  return { body: new Uint8Array(0), size: answer.contentLength, ...timesOf(answer, call) };
}

function timesOf(
  { lastModified, date }: BlobDownloadResponseParsed | BlobGetPropertiesResponse,
  call: Call,
): { modified: number; now: number } {
  if (lastModified === undefined || date === undefined) throw strangeAnswer(call);
  return { modified: lastModified.getTime(), now: date.getTime() };
}

async function collect(stream: AsyncIterable<Buffer>, length: number): Promise<Uint8Array> {
  const body = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of stream) {
    body.set(chunk, filled);
    filled += chunk.byteLength;
  }
  if (filled < length) throw new Error('the body ended early');
  return body;
}
