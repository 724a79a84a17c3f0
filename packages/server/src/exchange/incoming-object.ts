import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { SecureStoreError } from '@securestore/core-format';
import { FRAMED_TYPE, FrameReader, HEADERS } from '@securestore/protocol';
import type { Metadata } from 'securestore';
import { mediaTypeOf } from './requests.ts';
import type { RouteContext } from './route.ts';
import { unknownMember } from '../request/schema-errors.ts';

/** What of a request is there to be read. Leaving it does not end the connection: the answer is to arrive. */
export function bytesOf(stream: Readable): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array> };
}

/** Why an object was not stored: where its data were at fault, what is wrong with them. */
export function blamed(error: unknown): unknown {
  return SecureStoreError.is(error, 'INVALID_ARGUMENT') && SecureStoreError.is(error.cause) ? error.cause : error;
}

/** What is gathered before it is stored, in bytes: a stream costs more than what is in it. */
const GATHERED_BYTES = 256 * 1024;

/** An object as it was sent. */
export interface IncomingObject {
  readonly data: Uint8Array | AsyncIterable<Uint8Array>;
  readonly metadata?: Metadata | undefined;
  readonly expires?: Date | undefined;
  /** To be called in the end: what nobody has read is not left by that. */
  readonly close: () => Promise<void>;
}

type About = Pick<IncomingObject, 'metadata' | 'expires'>;

function invalid(message: string): never {
  throw new SecureStoreError('INVALID_ARGUMENT', message);
}

async function* limited(source: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > limit)
      throw new SecureStoreError('TOO_LARGE', `an object must have at most ${limit} bytes at this server`);
    yield chunk;
  }
}

/** @param name what it is called where it was sent */
function metadataIn(value: unknown, name: string): Metadata | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Metadata;
  return invalid(`${name} must be an object`);
}

function expiryIn(value: unknown, name: string): Date | undefined {
  if (value === undefined) return undefined;
  const date = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? new Date(value) : undefined;
  if (date === undefined || Number.isNaN(date.getTime()))
    return invalid(`${name} must be a time in ISO 8601, such as 2026-11-27T12:00:00.000Z`);
  return date;
}

function headIn(head: unknown): About {
  if (typeof head !== 'object' || head === null) return invalid('the head of the message must be an object');
  const { metadata, expires, ...others } = head as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return invalid(unknownMember(unknown, 'the head of the message', ['metadata', 'expires']));
  return { metadata: metadataIn(metadata, '"metadata"'), expires: expiryIn(expires, '"expires"') };
}

function headersIn(headers: IncomingHttpHeaders): About {
  const given = headers[HEADERS.metadata];
  let metadata: unknown;
  try {
    metadata = given === undefined ? undefined : (JSON.parse(String(given)) as unknown);
  } catch {
    // Without the cause, which quotes it.
    return invalid(`the header ${HEADERS.metadata} must be JSON`);
  }
  return {
    metadata: metadataIn(metadata, `the header ${HEADERS.metadata}`),
    expires: expiryIn(headers[HEADERS.expires], `the header ${HEADERS.expires}`),
  };
}

/**
 * The whole of what is small, which is no more than it announces; what is longer stays a stream. It takes no more memory than that, however
 * small the pieces are in which it comes.
 */
async function gathered(
  data: AsyncIterable<Uint8Array>,
  announced: number,
  limit: number,
): Promise<IncomingObject['data']> {
  // What says no length may be long.
  if (!(announced <= GATHERED_BYTES)) return limited(data, limit);
  const whole = Buffer.allocUnsafe(announced);
  let length = 0;
  try {
    for await (const chunk of data) {
      if (chunk.length > announced - length) return invalid('the body is longer than Content-Length says');
      whole.set(chunk, length);
      length += chunk.length;
    }
  } catch (error) {
    if (SecureStoreError.is(error)) throw error;
    // Whoever sends it has gone.
    throw new SecureStoreError('INVALID_ARGUMENT', 'the data to store cannot be read', { cause: error });
  }
  return whole.subarray(0, length);
}

/**
 * What somebody sends to be stored.
 *
 * @throws SecureStoreError `INVALID_ARGUMENT` for what is malformed, `TOO_LARGE`
 */
export async function incomingObject({
  headers,
  stream,
  limits,
}: Pick<RouteContext, 'headers' | 'stream' | 'limits'>): Promise<IncomingObject> {
  const announced = Number(headers['content-length'] ?? Number.NaN);
  if (announced > limits.objectBytes) {
    throw new SecureStoreError('TOO_LARGE', `an object must have at most ${limits.objectBytes} bytes at this server`);
  }
  const source = bytesOf(stream);
  if (mediaTypeOf(headers) !== FRAMED_TYPE) {
    const about = headersIn(headers);
    return { data: await gathered(source, announced, limits.objectBytes), ...about, close: async () => {} };
  }
  const reader = new FrameReader(source);
  const close = (): Promise<void> => reader.close();
  try {
    const about = headIn(await reader.head());
    const told = reader.data(() => new SecureStoreError('INVALID_ARGUMENT', 'the data to store cannot be read'));
    return { data: await gathered(told, announced, limits.objectBytes), ...about, close };
  } catch (error) {
    await close();
    throw error;
  }
}
