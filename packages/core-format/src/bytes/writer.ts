import { ByteReader, ByteWriter } from './bytes.ts';

const VERSION = 1;
const LENGTH = 1 + 8 + 8 + 1;

/** The registration of a writer: its stream of hints, and what has been removed of it. */
export interface WriterRegistration {
  /** Milliseconds since 1970 by the writer's clock. */
  readonly created: number;
  /** Hints with lower sequence numbers have been removed, or are about to be. */
  readonly floor: number;
  /** Whether the stream is closed and read, so that all of it goes. */
  readonly ended: boolean;
}

export function encodeWriter({ created, floor, ended }: WriterRegistration): Buffer {
  return new ByteWriter(LENGTH)
    .u8(VERSION)
    .u53(created)
    .u53(floor)
    .u8(ended ? 1 : 0)
    .finish();
}

/** @throws SecureStoreError `INTEGRITY`, `FORMAT_VERSION` */
export function decodeWriter(bytes: Uint8Array): WriterRegistration {
  const reader = new ByteReader('the registration of a writer', bytes);
  reader.version(VERSION);
  const created = reader.time();
  const floor = reader.u53();
  const ended = reader.u8();
  if (ended > 1) reader.fail('it is neither ended nor not');
  reader.end();
  return { created, floor, ended: ended === 1 };
}
