import type { Writable } from 'node:stream';
import { encodeNumber, SecureStoreError } from '@securestore/core-format';
import { HeaderFirst, textOf } from './header-first.ts';
import type { AuditLine, Sink } from './sink.ts';

/**
 * Gives the lines to a function, one call at a time. Where it throws or rejects it is called again with the same lines.
 *
 * @param name for messages and counters
 */
export function functionSink(name: string, write: (lines: readonly AuditLine[]) => unknown): Sink {
  const lines = new HeaderFirst();
  return {
    name,
    start: (start) => lines.start(start),
    write: (given) => lines.write(given, write),
    close: async () => undefined,
  };
}

const ignore = (): void => undefined;
const broken = (): SecureStoreError => new SecureStoreError('UNAVAILABLE', 'the stream is closed or broken');

/**
 * Writes to a stream, such as `process.stdout`, which it never ends. What a stream has taken counts as written, since no
 * stream says more.
 *
 * @param name for messages and counters
 */
export function streamSink(name: string, stream: Writable): Sink {
  // Without it a stream that breaks would end the process.
  stream.on('error', ignore);
  const sink = functionSink(name, async (lines) => {
    if (!stream.writable) throw broken();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    stream.write(textOf(lines), (error) => (error ? reject(broken()) : resolve()));
    await promise;
  });
  return { ...sink, close: async () => void stream.off('error', ignore) };
}

/**
 * Stores batches of lines as objects of their own, such as in a store: `put` is to make `body` durable under `name`, which is
 * never used for another body. A name is the segment's id, `/`, and the number of the first entry in it, 0 with the header; so
 * the names of a segment sort in its order, and the bodies put together are its lines.
 *
 * @param name for messages and counters
 */
export function objectSink(name: string, put: (name: string, body: Buffer) => Promise<void>): Sink {
  const header = new HeaderFirst();
  const sink = functionSink(name, async (lines) => {
    const first = lines[0]?.sequence ?? 0;
    await put(`${header.segment}/${encodeNumber(first)}`, Buffer.from(textOf(lines)));
  });
  return {
    ...sink,
    start(start) {
      header.start(start);
      sink.start(start);
    },
  };
}
