import { type CheckedBackend, type ReadOptions, type ReadResult, checkStoredSize } from '@securestore/backend-api';
import type { ApiResponse, Call } from '../connection/connection.ts';
import { isPastEnd, strangeAnswer } from '../connection/errors.ts';
import { type ObjectResource, type Place, isObjectMissing, objectPath, secondsOf } from './objects.ts';

/** One read of one object. */
interface Reading {
  readonly place: Place;
  readonly call: Call;
  readonly backend: CheckedBackend;
  readonly key: string;
}

export async function readEntry(reading: Reading, options: ReadOptions): Promise<ReadResult | undefined> {
  const { place, call } = reading;
  return place.connection.run(call, async (signal) => {
    try {
      return await readRange(reading, options, signal);
    } catch (error) {
      if (await isObjectMissing(place, error, signal)) return undefined;
      throw error;
    }
  });
}

async function readRange(reading: Reading, options: ReadOptions, signal: AbortSignal): Promise<ReadResult> {
  const { start = 0, end } = options;
  // HTTP knows no empty ranges, and a range past the end is an error that doesn't say when the object was written.
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

async function download(reading: Reading, { start = 0, end }: ReadOptions, signal: AbortSignal): Promise<ReadResult> {
  const part = start > 0 || end !== undefined;
  const headers = part ? { range: `bytes=${start}-${end === undefined ? '' : end - 1}` } : {};
  const path = objectPath(reading.place, reading.key);
  const request = { method: 'GET', path, params: { alt: 'media' }, headers, responseType: 'arraybuffer' } as const;
  return takeBody(reading, await reading.place.connection.send<ArrayBuffer>(request, signal), part);
}

function takeBody(
  { call, backend, key }: Reading,
  { headers, data }: ApiResponse<ArrayBuffer>,
  part: boolean,
): ReadResult {
  const length = Number(headers.get('content-length') ?? Number.NaN);
  const total = /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
  // A range of an empty body is answered with the whole of it.
  const size = part && length > 0 ? Number(total) : length;
  const etag = headers.get('x-goog-generation');
  const times = { modified: secondsOf(headers.get('last-modified')), now: Date.parse(headers.get('date') ?? '') };
  if (!Number.isSafeInteger(size) || !etag || Number.isNaN(times.modified + times.now)) throw strangeAnswer(call);
  checkStoredSize(backend, key, size);
  const body = new Uint8Array(data);
  if (body.byteLength !== length) throw strangeAnswer(call);
  return part ? { body, size, ...times } : { body, size, ...times, etag };
}

/** What is known of an object without reading it. */
async function emptyRange({ place, call, backend, key }: Reading, signal: AbortSignal): Promise<ReadResult> {
  const request = { method: 'GET', path: objectPath(place, key), responseType: 'json' } as const;
  const { headers, data } = await place.connection.send<ObjectResource>(request, signal);
  const size = Number(data.size ?? Number.NaN);
  const times = { modified: secondsOf(data.updated), now: Date.parse(headers.get('date') ?? '') };
  if (!Number.isSafeInteger(size) || Number.isNaN(times.modified + times.now)) throw strangeAnswer(call);
  checkStoredSize(backend, key, size);
  return { body: new Uint8Array(0), size, ...times };
}
