import type { StoreData, StoreOptions } from '@securestore/objects';
import { encodeMetadata, parseTime, payloadOf } from '@securestore/objects/surface';
import { encodeMessage, encodeStream, FRAMED_TYPE, JSON_TYPE } from '@securestore/protocol';

/** Up to this length data are sent in one piece, in bytes. */
const WHOLE_BYTES = 64 * 1024;

/** Data on their way out. */
export interface Outgoing {
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  readonly type?: string;
  /** What the source of the data has failed with, if it has. */
  readonly failure?: () => unknown;
  /** To be called in the end: what nobody began to read is not closed by leaving it. */
  readonly close?: () => Promise<void>;
}

/** Notes what a source fails with, since what sends it says only that it has failed. */
function noting(source: AsyncIterable<Uint8Array>): {
  readonly noted: AsyncIterable<Uint8Array>;
  readonly failure: () => unknown;
} {
  let failed: unknown;
  async function* run(): AsyncGenerator<Uint8Array> {
    try {
      yield* source;
    } catch (error) {
      failed = error;
      throw error;
    }
  }
  return { noted: run(), failure: () => failed };
}

async function outgoing(
  data: StoreData,
  signal: AbortSignal | undefined,
  whole: (bytes: Uint8Array) => Uint8Array,
  framed: (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
): Promise<Outgoing> {
  const payload = await payloadOf(data, WHOLE_BYTES, signal);
  if (payload.kind === 'inline') return { body: whole(payload.data) };
  const { noted, failure } = noting(payload.source);
  return { body: framed(noted), failure, close: payload.close };
}

/** An object as it is sent. @throws SecureStoreError `INVALID_ARGUMENT`, `TOO_LARGE` */
export async function outgoingObject<M extends object>(
  data: StoreData,
  options: StoreOptions<M> | undefined,
  signal: AbortSignal | undefined,
): Promise<Outgoing> {
  const { metadata, expires } = options ?? {};
  encodeMetadata(metadata);
  const head = {
    ...(metadata !== undefined && { metadata }),
    ...(expires !== undefined && { expires: new Date(parseTime('expires', expires)).toISOString() }),
  };
  const sent = await outgoing(
    data,
    signal,
    (bytes) => encodeMessage(head, bytes),
    (source) => encodeStream(head, source),
  );
  return { ...sent, type: FRAMED_TYPE };
}

/** Data as they are sent. @throws SecureStoreError `INVALID_ARGUMENT` */
export function outgoingData(data: StoreData, signal: AbortSignal | undefined): Promise<Outgoing> {
  return outgoing(
    data,
    signal,
    (bytes) => bytes,
    (source) => source,
  );
}

/** What a call says beside its path, as it is sent. */
export function outgoingJson(body: object): Outgoing & { readonly body: Uint8Array; readonly type: string } {
  return { body: Buffer.from(JSON.stringify(body)), type: JSON_TYPE };
}
