import { Readable } from 'node:stream';
import { asBuffer, SecureStoreError } from '@securestore/core-format';
import type { StoreKey } from '@securestore/core-format';
import {
  asciiJson,
  encodeMessage,
  encodeStream,
  entityTagOf,
  FRAMED_TYPE,
  HEADERS,
  MAX_HEADER_METADATA,
  RAW_TYPE,
  toProblem,
} from '@securestore/protocol';
import type { ObjectInfo, RangeOptions, RetrievedStream, RetrieveOptions } from 'securestore';
import { isKnown, isSameRange, rangeOf } from '../request/conditions.ts';
import type { AskedRange } from '../request/conditions.ts';
import type { RouteContext } from './route.ts';

/** What gives data, and what asks for them. */
type Context = Pick<RouteContext, 'reply' | 'headers'> & {
  readonly session: {
    info(key: string, options: RetrieveOptions): Promise<ObjectInfo>;
    retrieveStream(key: string, options: RangeOptions): Promise<RetrievedStream>;
  };
};

/** How many bytes of an object of so many are meant. */
function lengthOf({ start = 0, end = Infinity }: RangeOptions, size: number): number {
  return Math.min(end, size) - start;
}

/** The data of a stream, from its first chunk on. */
async function* chunksOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: Uint8Array | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    if (first !== undefined) yield first;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Nobody wants the rest where it was not read to its end.
    await reader.cancel().catch(() => undefined);
  }
}

/** Data of which the first chunk was read: most objects have no other one. */
interface Begun {
  readonly whole?: Uint8Array;
  readonly rest: AsyncIterable<Uint8Array>;
}

async function begin({ stream }: Pick<RetrievedStream, 'stream'>, length: number): Promise<Begun> {
  const reader = stream.getReader();
  const { done, value } = length === 0 ? { done: true, value: undefined } : await reader.read();
  const first = done ? undefined : value;
  const rest = chunksOf(reader, first);
  if (first?.length !== length && length > 0) return { rest };
  if (length === 0) await reader.cancel();
  return { whole: first ?? new Uint8Array(), rest };
}

/** With nothing of an object but what is known of it. */
export function answerHead({ reply }: Pick<Context, 'reply'>, info: ObjectInfo): void {
  const { metadata, ...others } = info;
  const json = asciiJson(metadata);
  reply.header('etag', entityTagOf(info.version));
  reply.header('last-modified', info.modified.toUTCString());
  reply.header('accept-ranges', 'bytes');
  reply.header(HEADERS.info, asciiJson(others));
  if (json.length <= MAX_HEADER_METADATA) reply.header(HEADERS.metadata, json);
  reply.header('content-length', String(info.size));
  reply.type(RAW_TYPE);
}

/** With an object in frames. */
export async function answerFramed(
  { session, reply }: Context,
  key: StoreKey,
  options: RangeOptions,
): Promise<unknown> {
  const found = await session.retrieveStream(key, options);
  const { info } = found;
  const { whole, rest } = await begin(found, lengthOf(options, info.size));
  reply.type(FRAMED_TYPE);
  if (whole !== undefined) return encodeMessage({ info }, whole);
  const describe = (error: unknown): object => toProblem(error, reply.request.id);
  return Readable.from(encodeStream({ info }, rest, describe), { objectMode: false });
}

/** What of an object of this size is meant; `undefined` if it has none of that. */
function withinOf(asked: AskedRange, size: number): { readonly start: number; readonly end: number } | undefined {
  const start = 'last' in asked ? Math.max(0, size - asked.last) : asked.start;
  const end = 'last' in asked ? size : Math.min(asked.end ?? size, size);
  return start < end ? { start, end } : undefined;
}

function checkMatch({ 'if-match': given }: Context['headers'], { key, version }: ObjectInfo): void {
  if (
    given === undefined ||
    given.trim() === '*' ||
    given.split(',').some((tag) => tag.trim() === entityTagOf(version))
  )
    return;
  throw new SecureStoreError('CONFLICT', `retrieveStream ${JSON.stringify(key)}: the object was changed meanwhile`, {
    operation: 'retrieveStream',
    key,
    advice: [{ id: 'read-again', key }],
    currentVersion: version,
  });
}

/** So often is a range asked for of an object that changes meanwhile. */
const TRIES = 5;

/** Whether a request asks more than for data: what is answered depends on what the object is, then. */
export function isConditional(headers: Context['headers']): boolean {
  return ['range', 'if-match', 'if-none-match'].some((name) => headers[name] !== undefined);
}

/** With an object as it is, as HTTP has ranges and conditions for readers. */
export async function answerRaw(context: Context, key: StoreKey, options: RangeOptions): Promise<unknown> {
  const { session, reply, headers } = context;
  const { start, end, ...which } = options;
  const asked = start === undefined && end === undefined ? rangeOf(headers) : undefined;
  for (let tries = 1; ; tries++) {
    // To look at it first uses no approval up, which to read it twice would.
    const info = isConditional(headers) ? await session.info(key, which) : undefined;
    let range = options;
    if (info !== undefined) {
      checkMatch(headers, info);
      answerHead(context, info);
      if (isKnown(headers, info.version)) {
        reply.removeHeader('content-length');
        return reply.code(304).send();
      }
      if (asked !== undefined && isSameRange(headers, info.version)) {
        const within = withinOf(asked, info.size);
        if (within === undefined) return unsatisfiable(context, info.size);
        range = { ...which, ...within };
        reply.code(206);
        reply.header('content-range', `bytes ${within.start}-${within.end - 1}/${info.size}`);
      }
    }
    const found = await session.retrieveStream(key, range);
    if (info !== undefined && found.info.version !== info.version) {
      await found.stream.cancel();
      reply.code(200).removeHeader('content-range');
      if (tries < TRIES) continue;
      throw new SecureStoreError(
        'CONFLICT',
        `retrieveStream ${JSON.stringify(key)}: the object changes at every attempt`,
      );
    }
    if (info === undefined) answerHead(context, found.info);
    const length = lengthOf(range, found.info.size);
    reply.header('content-length', String(length));
    const { whole, rest } = await begin(found, length);
    return whole === undefined ? Readable.from(rest, { objectMode: false }) : asBuffer(whole);
  }
}

function unsatisfiable({ reply }: Context, size: number): never {
  reply.removeHeader('content-length');
  reply.header('content-range', `bytes */${size}`);
  throw new RangeNotSatisfiable(`there ${size === 1 ? 'is only 1 byte' : `are only ${size} bytes`}`);
}

/** The one error whose status says more than its code. */
class RangeNotSatisfiable extends SecureStoreError {
  readonly statusCode = 416;

  constructor(message: string) {
    super('INVALID_ARGUMENT', message);
  }
}
