import { asBuffer, parseVersion, SecureStoreError } from '@securestore/core-format';
import type { ObjectInfo, RangeOptions, Retrieved, RetrieveOptions } from '@securestore/objects';
import { checkRange, jsonOf, parseTime, textOf } from '@securestore/objects/surface';
import { FRAMED_TYPE, FrameReader, fromProblem, withDates } from '@securestore/protocol';
import type { Calls } from './calls.ts';

/** Which version is meant, as a query has it. @throws SecureStoreError `INVALID_ARGUMENT` */
export function chosen(options: RetrieveOptions | undefined): Record<string, string | undefined> {
  const { version, at } = options ?? {};
  if (version !== undefined) parseVersion(version);
  return { version, at: at === undefined ? undefined : new Date(parseTime('at', at)).toISOString() };
}

/** Which bytes are meant, as a query has it. @throws SecureStoreError `INVALID_ARGUMENT` */
export function rangeIn(options: RangeOptions | undefined): Record<string, string | undefined> {
  checkRange(options ?? {});
  const { start, end } = options ?? {};
  return { start: start?.toString(), end: end?.toString() };
}

/** An object that has begun to come. */
export interface OpenedAnswer<M extends object> {
  readonly info: ObjectInfo<M>;
  readonly stream: AsyncGenerator<Uint8Array<ArrayBuffer>>;
}

function lost(): SecureStoreError {
  return new SecureStoreError('UNAVAILABLE', 'the answer of the server is incomplete', {
    advice: [{ id: 'try-again' }],
  });
}

/** Asks for an object. @throws SecureStoreError what the server says */
export async function openAnswer<M extends object>(
  calls: Calls,
  path: string,
  signal: AbortSignal | undefined,
): Promise<OpenedAnswer<M>> {
  const body = await calls.open({ method: 'GET', path, signal, readOnly: true }, FRAMED_TYPE);
  const reader = new FrameReader(body);
  // What is malformed was cut off, or changed on the way: nothing that whoever asks has done.
  const told = await reader.head().catch((error: unknown) => {
    throw SecureStoreError.is(error, 'INVALID_ARGUMENT') ? lost() : error;
  });
  const { info } = (withDates(told) ?? {}) as { readonly info?: ObjectInfo<M> | null };
  if (!(Number.isSafeInteger(info?.size) && Number(info?.size) >= 0) || info === undefined || info === null) {
    await reader.close();
    throw lost();
  }
  return { info, stream: whole(reader) };
}

async function* whole(reader: FrameReader): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let told: SecureStoreError | undefined;
  const failed = (error: unknown): SecureStoreError => (told = fromProblem(error, lost()));
  try {
    yield* reader.data(failed);
  } catch (error) {
    throw error !== told && SecureStoreError.is(error, 'INVALID_ARGUMENT') ? lost() : error;
  }
}

/** An object with its data in memory. @throws SecureStoreError `TOO_LARGE` if they don't fit; what the server says */
export async function retrievedFrom<M extends object>({ info, stream }: OpenedAnswer<M>): Promise<Retrieved<M>> {
  let data: Uint8Array<ArrayBuffer>;
  try {
    data = new Uint8Array(info.size);
  } catch (cause) {
    await stream.return(undefined);
    const message = `the object has ${info.size} bytes, which do not fit in memory`;
    throw new SecureStoreError('TOO_LARGE', message, { cause });
  }
  let at = 0;
  for await (const piece of stream) {
    if (at + piece.length > data.length) throw lost();
    asBuffer(piece).copy(data, at);
    at += piece.length;
  }
  if (at !== data.length) throw lost();
  return { data, metadata: info.metadata, info, text: () => textOf(data), json: <T>() => jsonOf(data) as T };
}
